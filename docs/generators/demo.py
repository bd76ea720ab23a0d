"""What can be broken in the demo."""

from docs.generators.text import filled, row
from watchdog.demo.failures import FAILURES

SYSTEMS = {
    "Z": "zendesk_sync: support tickets, synced into PostgreSQL",
    "B": "background_sync: the same for many organisations, in SQLite",
    "S": "servicetitan_sync: customers of a CRM, one workflow for each workspace",
    "W": "workspace_issues: issues of many repositories",
    "E": "support_desk: support threads and a mail queue behind an API",
}


def page() -> str:
    """Return docs/demo.md."""
    parts = []
    for letter, title in SYSTEMS.items():
        rows = [
            row((one.id, one.title, one.expect))
            for one in FAILURES.values()
            if one.id.startswith(letter)
        ]
        head = f"## {title}\n\n| id | what breaks | what is heard of it |\n|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return filled("demo.md", {"failures": "\n".join(parts)})
