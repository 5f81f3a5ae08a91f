"""Whether metrics are in Prometheus's text format, by its official parser. python prometheus_text.py PATH

Prints each metric's type and each sample as JSON.
"""
import json
import sys

from prometheus_client.parser import text_string_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    families = list(text_string_to_metric_families(file.read()))
names = [family.name for family in families]
assert len(names) == len(set(names)), names
for family in families:
    assert family.documentation, family.name
samples = [[sample.name, sample.labels, float(sample.value)] for family in families for sample in family.samples]
seen = [json.dumps(sample[:2], sort_keys=True) for sample in samples]
assert len(seen) == len(set(seen)), "a sample twice"
print(json.dumps({"types": {family.name: family.type for family in families}, "samples": samples}))
