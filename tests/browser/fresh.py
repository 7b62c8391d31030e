"""Writes tickets of the last days in the form of the demo's event log: open ones, so that clocks run and queues are
full at whatever time the browser looks."""

import csv
import itertools
import sys
from datetime import datetime, timedelta, timezone

COLUMNS = (
    "number incident_state active reassignment_count reopen_count sys_mod_count made_sla caller_id opened_by opened_at "
    "sys_created_by sys_created_at sys_updated_by sys_updated_at contact_type location category subcategory u_symptom "
    "cmdb_ci impact urgency priority assignment_group assigned_to knowledge u_priority_confirmation notify problem_id "
    "rfc vendor caused_by closed_code resolved_by resolved_at closed_at"
).split()
LEVELS = ["1 - High", "2 - Medium", "3 - Low"]
PRIORITIES = {2: "1 - Critical", 3: "2 - High", 4: "3 - Moderate", 5: "3 - Moderate", 6: "4 - Low"}
STATES = ["New", "Active", "Active", "Awaiting User Info", "Awaiting Vendor"]
AGES = [20, 75, 150, 200, 400, 1500, 4000, 9000, 20000, 60000, 150000]  # minutes
CATEGORIES = ["Category 26", "Category 42", "Category 53", "Category 46", "Category 23", "Category 9"]

now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
written = csv.DictWriter(sys.stdout, COLUMNS, restval="?", lineterminator="\n")
written.writeheader()
for number, (age, level) in enumerate(itertools.product(AGES, range(6)), 1):
    impact, urgency = 1 + level // 3, 1 + level % 3
    opened = (now - timedelta(minutes=age)).strftime("%d/%m/%Y %H:%M")
    written.writerow({
        "number": f"FRESH{now:%d%H%M}{number:03}", "incident_state": STATES[number % 5], "active": "true",
        "reassignment_count": "0", "reopen_count": "0", "sys_mod_count": "0", "caller_id": f"Caller {number}",
        "opened_at": opened, "sys_updated_at": opened, "sys_updated_by": f"Updated by {number % 9}",
        "contact_type": "Phone", "location": "Location 12", "category": CATEGORIES[number % 6],
        "subcategory": f"Subcategory {number % 40}", "u_symptom": f"Symptom {number % 70}",
        "impact": LEVELS[impact - 1], "urgency": LEVELS[urgency - 1], "priority": PRIORITIES[impact + urgency],
        "assignment_group": "?" if number % 7 == 0 else f"Group {number % 11}",
        "assigned_to": f"Resolver {number % 17}" if number % 3 == 0 else "?",
    })
