"""Verifies what `itsm journal export` wrote, by docs/journal.md alone: python3 verify_journal.py journal.ndjson"""

import hashlib
import json
import sys

PLACE = ("seq", "position", "recorded_at_us")
FIELDS = ("change_id", "last_of_change", "occurred_at_us", "source_recorded_at_us", "source_sequence", "actor",
          "customer_id", "audience", "subject", "subject_version", "kind", "payload")


class Number(str):
    """The digits of a number, as the export has them."""


def canonical(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def text(fact, name):
    value = fact.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) and name != "payload" else canonical(value)


def sha256(*texts):
    encoded = (text.encode() for text in texts)
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in encoded)).hexdigest()


broken = 0
for line in open(sys.argv[1], encoding="utf-8"):
    item = json.loads(line, parse_int=Number, parse_float=Number)
    if "journal" in item:
        journal, previous, places, facts = item["journal"], "", [], []
    elif fact := item.get("fact"):
        places += [text(fact, name) for name in PLACE]
        facts.append(sha256("itsm.fact.v1", *(text(fact, name) for name in FIELDS)))
    elif seal := item.get("seal"):
        place = [seal["first_seq"], seal["last_seq"], seal["sealed_at_us"]]
        intact = sha256("itsm.seal.v1", journal, previous, *place, sha256(*places), sha256(*facts)) == seal["hash"]
        print(journal, *place[:2], "intact" if intact else "broken")
        broken += not intact
        previous, places, facts = seal["hash"], [], []
sys.exit(1 if broken else 0)
