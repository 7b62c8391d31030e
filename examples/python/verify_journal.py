"""Verifies what `itsm journal export` wrote, by docs/journal.md alone: python3 verify_journal.py journal.ndjson"""

import hashlib
import json
import re
import sys

PLACE = ("seq", "position", "recorded_at_us")
FIELDS = ("change_id", "last_of_change", "occurred_at_us", "source_recorded_at_us", "source_sequence", "actor",
          "customer_id", "audience", "subject", "subject_version", "kind", "payload")
TOKEN = re.compile("~(text|person|value):[0-9a-f]{64}")
ERASED = re.compile("people/erased(-[0-9]+)?")


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


def tokens(value):
    if isinstance(value, (dict, list)):
        for member in value.values() if isinstance(value, dict) else value:
            yield from tokens(member)
    elif isinstance(value, str) and TOKEN.fullmatch(value):
        yield value


def texts_of(fact):
    """Whether what stands beside a fact is what it has the tokens of, and the tokens of what is not there."""
    found, beside = [*tokens(fact["actor"]), *tokens(fact["payload"])], fact.get("private") or {}
    if not isinstance(beside, dict):
        return False, []
    proven = all(
        token in found
        and (token == f"{token.split(':')[0]}:{sha256('itsm.text.v1', salt, value)}" if salt else
             token.startswith("~person:") and ERASED.fullmatch(value))
        for token, (salt, value) in beside.items())
    return proven, [token for token in found if not beside.get(token, [""])[0]]


broken = 0
for line in open(sys.argv[1], encoding="utf-8"):
    item = json.loads(line, parse_int=Number, parse_float=Number)
    if "journal" in item:
        journal, previous, places, facts, lost, erased = item["journal"], "", [], [], [], set()
    elif fact := item.get("fact"):
        places += [text(fact, name) for name in PLACE]
        facts.append(sha256("itsm.fact.v1", *(text(fact, name) for name in FIELDS)))
        kind = text(fact, "kind")
        if kind.startswith(("ticket.", "approval_delegation.")):
            if ".erased." in kind:
                erased.update("~" + token for token in fact["payload"]["tokens"])
            proven, not_there = texts_of(fact)
            lost += [(fact["seq"], token) for token in not_there]
        else:
            proven = "private" not in fact
        if not proven:
            print(journal, fact["seq"], "what stands beside it was changed")
            broken += 1
    elif seal := item.get("seal"):
        place = [seal["first_seq"], seal["last_seq"], seal["sealed_at_us"]]
        intact = sha256("itsm.seal.v1", journal, previous, *place, sha256(*places), sha256(*facts)) == seal["hash"]
        print(journal, *place[:2], "intact" if intact else "broken")
        broken += not intact
        previous, places, facts = seal["hash"], [], []
    elif "end" in item:
        missing = [(seq, token) for seq, token in lost if token not in erased]
        print(journal, len(lost) - len(missing), "erased")
        for seq, token in missing:
            print(journal, seq, "what stood beside it is missing and was not erased")
        broken += len(missing)
sys.exit(1 if broken else 0)
