"""Makes tests/figures/jira_export.csv: issues as Jira exports them. The same seed gives the same file.

    python3 tests/figures/jira_export.py > tests/figures/jira_export.csv
"""

import csv
import random
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ISSUES = 420
ZONE = ZoneInfo("Europe/Berlin")
HEADER = [
    "Summary", "Issue key", "Issue id", "Issue Type", "Status", "Project key", "Priority", "Resolution", "Assignee",
    "Reporter", "Creator", "Created", "Updated", "Resolved", "Component/s", "Component/s", "Labels", "Labels",
    "Labels", "Description",
]
TYPES = {"Incident": 55, "Service Request": 28, "Bug": 10, "Problem": 7}
PRIORITIES = {"Highest": 4, "High": 16, "Medium": 52, "Low": 22, "Lowest": 6}
OPEN = {
    "Incident": ["Open", "In Progress", "Reopened", "Waiting for customer", "Waiting for vendor"],
    "Bug": ["Open", "In Progress", "Waiting for vendor"],
    "Service Request": ["Open", "Waiting for approval", "In Progress", "Waiting for customer"],
    "Problem": ["Open", "In Progress", "Waiting for vendor"],
}
PEOPLE = ["Ana Souza", "Ben Okafor", "Chloé Martin", "Dimitri Ivanov", "Elif Yılmaz", "Farid Haddad", "Grace O'Neill"]
COMPONENTS = ["E-mail", "Network", "Printing", "ERP, finance", "VPN", "Telephony"]
LABELS = ["outage", "vip", "home-office", "training", "security", "hardware"]
WORDS = ["cannot log in", "printer prints blank pages", 'message says "access denied"', "slow since this morning",
         "new notebook", "mailbox full; nothing arrives", "line drops, again", "permission for the shared folder"]


def shown(at):
    """As Jira writes it: 01/Mar/16 9:05 AM."""
    local = at.astimezone(ZONE)
    return f"{local:%d/%b/%y} {local.hour % 12 or 12}:{local:%M %p}"


def told_twice(at):
    """Whether the local time of that instant comes twice, when clocks go back."""
    local = at.astimezone(ZONE)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def moment(random, start, minutes):
    """An instant whose local time is unmistakable."""
    while True:
        at = start + timedelta(minutes=random.randint(1, max(1, int(minutes))))
        if not told_twice(at):
            return at


def issue(random, number):
    kind = random.choices(list(TYPES), TYPES.values())[0]
    created = moment(random, datetime(2016, 1, 4, tzinfo=timezone.utc), 330 * 24 * 60)
    fate = random.random()
    resolved, resolution = "", ""
    if fate < 0.82:
        took = min(random.lognormvariate(6.5, 1.6), 90 * 24 * 60)
        end = moment(random, created, took)
        status = random.choices(["Resolved", "Closed"], [1, 3])[0]
        resolution = random.choices(["Done", "Workaround", "Cannot Reproduce"], [8, 2, 1])[0]
        if random.random() < 0.05:
            status, resolution = "Canceled", "Won't Do"
        elif kind == "Service Request" and random.random() < 0.05:
            status, resolution = "Declined", "Won't Do"
        resolved, updated = shown(end), moment(random, end, 20 * 24 * 60)
    else:
        status = random.choice(OPEN[kind])
        updated = moment(random, created, 10 * 24 * 60)
    some = lambda choices, most: (random.sample(choices, random.randint(0, most)) + [""] * most)[:most]
    words = random.choice(WORDS)
    return [
        words.capitalize(), f"SUP-{number}", 10_000 + number, kind, status, "SUP",
        random.choices(list(PRIORITIES), PRIORITIES.values())[0], resolution,
        random.choice(PEOPLE) if random.random() < 0.9 else "", random.choice(PEOPLE), random.choice(PEOPLE),
        shown(created), shown(updated), resolved, *some(COMPONENTS, 2), *some(LABELS, 3),
        f"{words.capitalize()}.\n\nReported by phone; see the screenshot, \"error.png\"." if random.random() < 0.3 else "",
    ]


def main():
    source = random.Random(20160301)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(HEADER)
    out.writerows(issue(source, number) for number in range(1, ISSUES + 1))


if __name__ == "__main__":
    main()
