"""Reads expositions with the OpenMetrics parser of the Prometheus client, and looks in all of them together for every
metric that dashboards and alerts ask for.

usage: metrics.py EXPOSITION… [DASHBOARD.json | RULES.yml]…        needs `pip install prometheus_client`
"""

import re
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

asking = [path for path in sys.argv[1:] if path.endswith((".json", ".yml"))]
known = set()
for path in sys.argv[1:]:
    if path in asking:
        continue
    families = list(text_string_to_metric_families(open(path).read()))
    samples = [sample for family in families for sample in family.samples]
    known |= {family.name for family in families} | {sample.name for sample in samples}
    known |= {label for sample in samples for label in sample.labels}
    calls = sum(sample.value for sample in samples if sample.name == "rpc_server_call_duration_seconds_count")
    print(f"{path}: {len(families)} families, {len(samples)} samples, {calls:.0f} calls counted")

for path in asking:
    missing = set(re.findall(r"\b(?:itsm|rpc|db)_\w+", open(path).read())) - known
    assert not missing, f"{path} asks for {missing}, which nothing exposes"
    print(f"{path}: every metric that it asks for is exposed")
