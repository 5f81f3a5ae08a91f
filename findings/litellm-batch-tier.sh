#!/usr/bin/env bash
# litellm 1.110.2 prices usage that was served at Anthropic's tier "batch" at the standard rates, twice what the model's row
# says of batches, and says nothing of it.
#
# Anthropic's API reports the tier that a request was served at in `usage.service_tier`; its Python SDK (anthropic 2.14.0)
# types it as "standard", "priority" or "batch". litellm's `cost_per_token` takes "the service tier the request was served
# at", and its own price file has batch rates for the model. With "batch" it answers what it answers without any tier; a
# tier that no row has is taken as quietly. Who prices the results of a message batch by their reported tier is charged
# double in their books.
#
# Seen: 18 dollars for a million tokens in and out each, where the row's batch rates come to 9.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check litellm==1.110.2 anthropic==2.14.0

LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_LOG=ERROR "$work/venv/bin/python" - <<'PYTHON'
from decimal import Decimal
from importlib.metadata import version
from typing import get_args

import litellm
from anthropic.types import Usage
from litellm import cost_per_token

MODEL, MANY = "claude-sonnet-4-5", 1_000_000


def literals(annotation):
    for part in get_args(annotation):
        yield from ([part] if isinstance(part, str) else literals(part))


def cost(tier):
    told = litellm.Usage(prompt_tokens=MANY, completion_tokens=MANY, total_tokens=2 * MANY)
    both = cost_per_token(model=MODEL, custom_llm_provider="anthropic", usage_object=told, service_tier=tier)
    return round(sum(both), 6)


tiers = set(literals(Usage.model_fields["service_tier"].annotation))
row = litellm.get_model_info(MODEL, custom_llm_provider="anthropic")
batch = float(sum(Decimal(str(row[f"{side}_cost_per_token_batches"])) for side in ("input", "output")) * MANY)
print(f"litellm {version('litellm')}, anthropic {version('anthropic')}: tiers {sorted(tiers)}")
print(f"untold {cost(None)}, standard {cost('standard')}, batch {cost('batch')}; by the row's batch rates {batch}")
assert tiers == {"standard", "priority", "batch"}, tiers
assert (cost(None), cost("batch"), batch) == (18.0, 18.0, 9.0)
PYTHON
