"""Prices usage by a price list of Sluice's own form, by nothing but its documentation and decimal numbers.

The list is named on the command line; a line of standard input has what was used and what it is said to cost. Prints each
line that costs something else, and at the end how many were looked at.
"""

import json
import sys
import tomllib
from decimal import ROUND_HALF_EVEN, Decimal, getcontext

getcontext().prec = 60
MILLION = Decimal(10) ** 6
CENT = Decimal(1).scaleb(-10)
TOKENS = {
    "input": None, "output": None, "cache_read": "input", "cache_write_5m": "input", "cache_write_1h": "cache_write_5m",
    "reasoning": "output", "audio_input": "input", "image_input": "input", "video_input": "input", "tool_input": "input",
    "audio_cache_read": "cache_read", "image_cache_read": "cache_read", "audio_output": "output", "image_output": "output",
}
OUT = {"output", "reasoning", "audio_output", "image_output"}


def bands(tariff, prompt):
    """The bands that a prompt is in, longest first, as (above, rates)."""
    found = [(band["above"], band) for band in tariff.get("tiers", []) if prompt > band["above"]]
    return sorted(found, key=lambda band: -band[0])


def named(tariff, item, prompt):
    """The tariff's rate of an item: of the longest band that names it, else its flat one."""
    for _, band in bands(tariff, prompt):
        if item in band:
            return Decimal(band[item])
    return Decimal(tariff[item]) if item in tariff else None


def own(row, item, tariff, prompt):
    """The item's rate in a tier: longest band first, in each the tier before the standard; then the tier's, then the flat."""
    levels = sorted({above for part in (row, tariff) for above, _ in bands(part, prompt)}, reverse=True)
    for level in levels:
        for part in (tariff, row):
            for above, band in bands(part, prompt):
                if above == level and item in band:
                    return Decimal(band[item])
    if item == "reasoning":
        if any("output" in band for _, band in bands(row, prompt)):
            return None
        if named(tariff, "output", prompt) is not None and item not in tariff:
            return None
    for part in (tariff, row):
        if item in part:
            return Decimal(part[item])
    return None


def batch(row, item, prompt):
    standard = own(row, item, {}, prompt)
    half = None if standard is None else standard / 2
    tariff = row.get("service_tiers", {}).get("batch")
    if tariff is None:
        return half
    rate = named(tariff, item, prompt)
    if rate is not None:
        return rate
    if item == "cache_write_1h" and named(tariff, "cache_write_5m", prompt) is not None:
        return half
    if item == "reasoning" and named(tariff, "output", prompt) is not None:
        return None
    return standard


def rate(row, item, tier, prompt):
    tiers = row.get("service_tiers", {})
    if tier == "fast" and "fast" not in tiers:
        tier = "priority"
    found = batch(row, item, prompt) if tier == "batch" else own(row, item, tiers.get(tier, {}), prompt)
    if found is None and TOKENS[item] is not None:
        return rate(row, TOKENS[item], tier, prompt)
    return found


def price(row, asked):
    used = asked["used"]
    prompt = sum(count for item, count in used.items() if item in TOKENS and item not in OUT)
    total = Decimal(0)
    for item, count in used.items():
        if item not in TOKENS or not count:
            continue
        if item == "tool_input" and used.get("web_search") and item not in row:
            continue
        found = rate(row, item, asked["tier"], prompt)
        if found is None:
            return None
        total += count * found / MILLION
    total *= Decimal(row.get("geo", {}).get(asked["geo"], 1))
    searches = used.get("web_search", 0)
    if searches and "per_grounded_prompt" in row:
        total += Decimal(row["per_grounded_prompt"])
    elif searches:
        if "per_web_search" not in row:
            return None
        total += searches * Decimal(row["per_web_search"])
    return total.quantize(CENT, rounding=ROUND_HALF_EVEN)


def main():
    with open(sys.argv[1], "rb") as file:
        models = tomllib.load(file)["models"]
    seen = 0
    for line in sys.stdin:
        asked = json.loads(line)
        rows = models[asked["model"]]
        rows = rows if isinstance(rows, list) else [rows]
        row = [one for one in rows if str(one.get("effective_from", "")) <= asked["day"]][-1]
        mine = price(row, asked)
        theirs = None if asked["cost"] is None else Decimal(asked["cost"])
        if mine != theirs:
            print(f"{mine} for {line.strip()}")
        seen += 1
    print(f"{seen} looked at")


main()
