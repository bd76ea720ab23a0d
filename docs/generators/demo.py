"""What can be broken in the demo."""

from docs.generators.text import filled, row
from rules.wording import long_span
from watchdog.cli.scenario import clock, happens
from watchdog.demo.failures import FAILURES
from watchdog.demo.scenario import Scenario
from watchdog.demo.scenarios import SCENARIOS

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
        head = f"### {title}\n\n| id | what breaks | what is heard of it |\n|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    stories = "\n".join(map(_story, SCENARIOS.values()))
    return filled("demo.md", {"scenarios": stories, "failures": "\n".join(parts)})


def _story(scenario: Scenario) -> str:
    head = "| at | what happens | what is heard of it |\n|---|---|---|\n"
    rows = []
    for turn in scenario.turns:
        heard = f"{turn.expect}. {turn.says}" if turn.expect else turn.says
        rows.append(row((clock(turn.after), "; ".join(happens(turn)), heard)))
    about = f"{scenario.title}. It takes {long_span(scenario.lasts)}."
    return f"### {scenario.id}\n\n{about}\n\n{head}" + "\n".join(rows) + "\n"
