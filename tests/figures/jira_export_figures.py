"""Counts tests/figures/jira_export.csv with pandas, knowing nothing of this program, and prints the figures as JSON.

    python3 tests/figures/jira_export_figures.py > tests/figures/jira_export.json
"""

import json
import pathlib
import warnings

import pandas

FILE = pathlib.Path(__file__).with_name("jira_export.csv")
ZONE = "Europe/Berlin"


def counts(values):
    return {str(value): int(count) for value, count in sorted(values.value_counts().items())}


def main():
    issues = pandas.read_csv(FILE, keep_default_na=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        time = lambda column: pandas.to_datetime(
            issues[column].where(issues[column] != ""), format="%d/%b/%y %I:%M %p"
        ).dt.tz_localize(ZONE)
        created, resolved = time("Created"), time("Resolved")
    minutes = (resolved - created).dropna().dt.total_seconds() / 60
    labels = pandas.concat(issues[column] for column in issues if column.split(".")[0] == "Labels")
    by_type = {kind: counts(group["Status"]) for kind, group in issues.groupby("Issue Type")}
    print(json.dumps({
        "made_with": f"pandas {pandas.__version__}",
        "issues": len(issues),
        "by_type": counts(issues["Issue Type"]),
        "by_type_and_status": by_type,
        "by_priority": counts(issues["Priority"]),
        "by_month_of_opening": counts(created.dt.strftime("%Y-%m")),
        "by_assignee": counts(issues["Assignee"]),
        "by_label": counts(labels[labels != ""]),
        "resolved": int(resolved.notna().sum()),
        "median_minutes_to_resolve": float(minutes.median()),
        "mean_minutes_to_resolve": float(minutes.mean()),
    }, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
