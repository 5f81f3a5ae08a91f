"""Prices usage by a price list and files laid over it, by nothing but their documentation and decimal numbers.

The files are named on the command line, the list first; a line of standard input has what was used and what it is said to
cost. Prints each line that costs something else, and at the end how many were looked at.

A model is a list of prices over time, each with `from` (a time, or nothing), `rates` and `bands` of the standard tier,
`tiers` of both, `fees`, `geo`, and `off_peak`: windows, and the prices that hold in them.
"""

import datetime
import json
import re
import sys
import tomllib
from decimal import ROUND_HALF_EVEN, Decimal, getcontext

getcontext().prec = 60
MILLION = Decimal(10) ** 6
CENT = Decimal(1).scaleb(-10)
FINEST = Decimal(1).scaleb(-18)
TOKENS = {
    "input": None, "output": None, "cache_read": "input", "cache_write_5m": "input", "cache_write_1h": "cache_write_5m",
    "reasoning": "output", "audio_input": "input", "image_input": "input", "video_input": "input", "tool_input": "input",
    "audio_cache_read": "cache_read", "image_cache_read": "cache_read", "audio_output": "output", "image_output": "output",
}
OUT = {"output", "reasoning", "audio_output", "image_output"}
UTC = datetime.timezone.utc


def time_of(text):
    """A day, which begins at midnight in UTC, or a time."""
    text = str(text)
    return datetime.datetime.fromisoformat(text if "T" in text else text + "T00:00:00+00:00")


def prices(since=None):
    return {"from": since, "rates": {}, "bands": {}, "tiers": {}, "fees": {}, "geo": {}, "off_peak": None}


# Sluice's own form: dollars for a million tokens, in quotes.

def own_tariff(table):
    rate = lambda text: Decimal(text) / MILLION
    rates = {item: rate(table[item]) for item in TOKENS if item in table}
    bands = {band["above"] + 1: {item: rate(band[item]) for item in TOKENS if item in band} for band in table.get("tiers", [])}
    return {"rates": rates, "bands": bands}


def own_row(table):
    row = prices(time_of(table["effective_from"]) if "effective_from" in table else None)
    row.update(own_tariff(table))
    row["tiers"] = {name: own_tariff(tier) for name, tier in table.get("service_tiers", {}).items()}
    row["fees"] = {key.removeprefix("per_"): Decimal(fee) for key, fee in table.items() if key.startswith("per_")}
    row["geo"] = {place: Decimal(by) for place, by in table.get("geo", {}).items()}
    if "off_peak" in table:
        row["off_peak"] = (windows(table["off_peak"]), at_hours(row, own_tariff(table["off_peak"])["rates"]))
    return row


def own(text):
    file = tomllib.loads(text)
    rows = {}
    for name, what in file["models"].items():
        rows[name] = what["alias_of"] if "alias_of" in what else [own_row(one) for one in (what if isinstance(what, list) else [what])]
    return rows, time_of(file["date"]) if "date" in file else None


# LiteLLM's form: dollars for one token, by names of its own.

BASES = {
    "input_cost_per_token": "input", "output_cost_per_token": "output", "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m", "output_cost_per_reasoning_token": "reasoning",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h", "cache_creation_input_token_cost_above_12hr": "cache_write_1h",
    "input_cost_per_audio_token": "audio_input", "output_cost_per_audio_token": "audio_output",
    "input_cost_per_image_token": "image_input", "output_cost_per_image_token": "image_output",
    "cache_read_input_audio_token_cost": "audio_cache_read",
}
SUFFIXES = {"_batches": "batch", "_flex": "flex", "_priority": "priority", "_ultrafast": "ultrafast", "_balanced": "balanced"}
PLACES = {"regional_processing_uplift_multiplier_eu": "eu", "regional_processing_uplift_multiplier_us": "us"}


def finest(number):
    return Decimal(number).quantize(FINEST, rounding=ROUND_HALF_EVEN)


def community_row(table):
    row = prices()
    provider = table.get("litellm_provider", "")
    past = 0 if provider == "xai" else 1
    for key, value in table.items():
        tier = next((suffix for suffix in SUFFIXES if key.endswith(suffix)), None)
        name = key.removesuffix(tier) if tier else key
        above = re.fullmatch(r"(.*)_above_(\d+)k_tokens", name)
        if above:
            name = above[1]
        if name not in BASES:
            continue
        part = row["tiers"].setdefault(SUFFIXES[tier], {"rates": {}, "bands": {}}) if tier else row
        rates = part["bands"].setdefault(int(above[2]) * 1000 + past, {}) if above else part["rates"]
        rates[BASES[name]] = finest(value)
    for tier in table.get("tiered_pricing", []):
        start = int(tier["range"][0])
        rates = row["bands"].setdefault(start + 1, {}) if start else row["rates"]
        rates.update({BASES[key]: finest(value) for key, value in tier.items() if key in BASES})
    search = table.get("search_context_cost_per_query", {}).get("search_context_size_medium")
    if search is not None:
        kind = "web_search_preview" if provider in ("openai", "azure") else "web_search"
        if provider == "gemini" and table.get("web_search_billing_unit") != "per_query":
            kind = "grounded_prompt"
        row["fees"][kind] = Decimal(search)
    row["geo"] = {place: Decimal(table[key]) for key, place in PLACES.items() if key in table}
    special = table.get("provider_specific_entry", {})
    if "us" in special:
        row["geo"]["us"] = Decimal(special["us"])
    if "fast" in special:
        times = lambda rates: {item: rate * special["fast"] for item, rate in rates.items()}
        row["tiers"]["fast"] = {"rates": times(row["rates"]), "bands": {at: times(band) for at, band in row["bands"].items()}}
    if "off_peak_pricing" in table:
        named = {BASES[key]: finest(value) for key, value in table["off_peak_pricing"].items() if key in BASES}
        row["off_peak"] = (windows(table["off_peak_pricing"]), at_hours(row, named))
    return row


def community(text):
    file = json.loads(text, parse_float=Decimal)
    rows = {}
    for name, table in file.items():
        if name != "sample_spec":
            rows[name] = table["alias_of"] if "alias_of" in table else [community_row(table)]
    return rows, None


# genai-prices' form: dollars for a million tokens or a thousand calls, by provider.

GENAI = {
    "input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cache_read", "cache_write_mtok": "cache_write_5m",
    "output_reasoning_mtok": "reasoning", "input_audio_mtok": "audio_input", "cache_audio_read_mtok": "audio_cache_read",
}


def genai_row(table, provider, since=None):
    row = prices(since)
    for key, value in table.items():
        if key == "web_searches_kcount" and provider != "google":
            row["fees"]["web_search"] = Decimal(value) / 1000
        if key not in GENAI:
            continue
        value = value if isinstance(value, dict) else {"base": value, "tiers": []}
        row["rates"][GENAI[key]] = Decimal(value["base"]) / MILLION
        for tier in value["tiers"]:
            row["bands"].setdefault(tier["start"] + 1, {})[GENAI[key]] = Decimal(tier["price"]) / MILLION
    return row


def genai_models(provider):
    prefix = {"anthropic": "", "openai": "", "google": "gemini/"}.get(provider["id"], provider["id"] + "/")
    for model in provider["models"]:
        name, told = prefix + model["id"], model["prices"]
        told = told if isinstance(told, list) else [{"prices": told}]
        dated, hours = [], None
        for one in told:
            limit = one.get("constraint", {})
            if "start_time" in limit:
                clock = "-".join(limit[key][:5] for key in ("start_time", "end_time"))
                hours = (windows({"hours_utc": clock}), genai_row(one["prices"], provider["id"]))
            else:
                since = time_of(limit["start_date"]) if "start_date" in limit else None
                dated.append(genai_row(one["prices"], provider["id"], since))
        if hours:
            dated[0]["off_peak"] = hours
        yield name, dated
        for other in [model.get("match", {}), *model.get("match", {}).get("or", [])]:
            if "equals" in other:
                yield prefix + other["equals"], name


def genai(text):
    file = json.loads(text, parse_float=Decimal)
    return dict(pair for provider in file for pair in genai_models(provider)), None


# What holds when.

def at_hours(row, named):
    """The same prices, but for what is named, whatever the prompt's length."""
    bands = {at: {item: rate for item, rate in band.items() if item not in named} for at, band in row["bands"].items()}
    return {**row, "rates": {**row["rates"], **named}, "bands": bands, "off_peak": None}


def windows(table):
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    found = []
    for part in [table, *table.get("windows", [])]:
        on = [day - 1 if isinstance(day, int) else days.index(day[:3].lower()) for day in part.get("weekdays", range(1, 8))]
        hours = part.get("hours_utc", [])
        for stretch in hours if isinstance(hours, list) else [hours]:
            begin, end = (datetime.time.fromisoformat(clock) for clock in stretch.split("-"))
            found.append((begin, end, on))
    return found


def holds(window, time):
    begin, end, days = window
    clock = time.time()
    inside = begin <= clock < end if begin < end else clock >= begin or clock < end
    return inside and time.weekday() in days


def inherit(row, below):
    """What a row does not name of the prices below it: fees and multipliers."""
    searches = {"web_search", "grounded_prompt"}
    taken = searches if searches & set(row["fees"]) else set()
    for one in [row] + ([row["off_peak"][1]] if row["off_peak"] else []):
        one["fees"] = {**{item: fee for item, fee in below["fees"].items() if item not in taken}, **one["fees"]}
        one["geo"] = {**below["geo"], **one["geo"]}


def lay(models, date, rows, knows_days):
    for name, new in rows.items():
        before = models.get(name)
        if isinstance(new, list) and isinstance(before, list):
            for row in new:
                at = row["from"] or date
                held = [one for one in before if at is None or one["from"] is None or one["from"] <= at]
                inherit(row, held[-1] if held else before[0])
            if new[0]["from"]:
                new[:0] = [one for one in before if one["from"] is None or one["from"] < new[0]["from"]]
            elif date and not knows_days:
                last = max([date] + [row["from"] for row in new if row["from"]])
                new += [one for one in before if one["from"] and one["from"] > last]
        models[name] = new


# What a token costs.

def banded(tariff, item, prompt):
    """The longest band that a prompt is in and that names the item, as (from, rate)."""
    found = [(at, band[item]) for at, band in tariff["bands"].items() if prompt >= at and item in band]
    return max(found, default=None)


def named(tariff, item, prompt):
    """The tariff's rate of an item: of the longest band that names it, else its flat one."""
    band = banded(tariff, item, prompt)
    return band[1] if band else tariff["rates"].get(item)


def own_rate(row, item, tariff, prompt):
    """The item's rate in a tier: longest band first, in each the tier before the standard; then the tier's, then the flat."""
    found = [(at, first, rate) for first, part in ((1, tariff), (0, row)) for at, rate in [banded(part, item, prompt) or (0, None)] if at]
    if found:
        return max(found, key=lambda one: one[:2])[2]
    if item == "reasoning":
        if banded(row, "output", prompt):
            return None
        if named(tariff, "output", prompt) is not None and item not in tariff["rates"]:
            return None
    return tariff["rates"].get(item, row["rates"].get(item))


NO_TARIFF = {"rates": {}, "bands": {}}


def batch(row, item, prompt):
    standard = own_rate(row, item, NO_TARIFF, prompt)
    half = None if standard is None else (standard / 2).quantize(FINEST, rounding=ROUND_HALF_EVEN)
    tariff = row["tiers"].get("batch")
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
    if tier == "fast" and "fast" not in row["tiers"]:
        tier = "priority"
    found = batch(row, item, prompt) if tier == "batch" else own_rate(row, item, row["tiers"].get(tier, NO_TARIFF), prompt)
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
        if item == "tool_input" and used.get("web_search") and item not in row["rates"]:
            continue
        found = rate(row, item, asked["tier"], prompt)
        if found is None:
            return None
        total += count * found
    total *= row["geo"].get(asked["geo"], 1)
    searches, fees = used.get("web_search", 0), row["fees"]
    if searches and "grounded_prompt" in fees:
        total += fees["grounded_prompt"]
    elif searches:
        fee = fees.get("web_search", fees.get("web_search_preview"))
        if fee is None:
            return None
        total += searches * fee
    return (total + fees.get("request", 0)).quantize(CENT, rounding=ROUND_HALF_EVEN)


def main():
    models, date = {}, None
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            text = file.read()
        read = own if name.endswith(".toml") else genai if text.lstrip().startswith("[") else community
        rows, dated = read(text)
        lay(models, date, rows, read is own)
        date = dated or date
    seen = 0
    for line in sys.stdin:
        asked = json.loads(line)
        rows = models[asked["model"]]
        rows = models[rows] if isinstance(rows, str) else rows
        time = time_of(asked["time"])
        held = [one for one in rows if one["from"] is None or one["from"] <= time]
        row = held[-1] if held else None
        if row and row["off_peak"] and any(holds(window, time) for window in row["off_peak"][0]):
            row = row["off_peak"][1]
        mine = row and price(row, asked)
        theirs = None if asked["cost"] is None else Decimal(asked["cost"])
        if mine != theirs:
            print(f"{mine} for {line.strip()}")
        seen += 1
    print(f"{seen} looked at")


main()
