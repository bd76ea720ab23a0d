"""A small configuration that is right, and ways to change it."""

from pathlib import Path
from textwrap import dedent

from watchdog.config.load import Loaded, load_text
from watchdog.config.model import Config, Rule

ENV = {"CRM_DSN": "postgres://crm:secret@db/crm"}
EXAMPLE_ENV = {
    "CRM_DSN": "postgres://crm:secret@db/crm",
    "CRM_WRITER_DSN": "postgres://writer:secret@db/crm",
    "WEB_SYNC_DB": "/data/web_sync.db",
    "DESK_URL": "https://desk.example.com",
    "DESK_DSN": "postgres://desk@db/desk",
}
EXAMPLE = Path(__file__).parent / "config" / "example.good.yaml"

GOOD = """\
version: 1
people:
  ana: { email: ana@example.com, timezone: Europe/Berlin }
  raj: { slack: U02RAJ }
teams:
  data: { lead: ana, oncall: { handover: mon 10:00, order: [ana, raj] } }
defaults: { team: data }
sources:
  crm: { postgres: "${CRM_DSN}" }
  desk: { http: "https://desk.example.com" }
rules:
  orders-stale:
    title: Orders of {{ entity.shop }} stopped
    stale: { source: crm, table: orders, column: synced_at, max_age: 30m, entity: [shop] }
"""


def read(text: str, *, partial: bool = False, more: str | None = None) -> Loaded:
    """Return what comes of a text, with `more` as the text of a file `more.yaml` beside it."""
    files = {"rules.yaml": text} | ({} if more is None else {"more.yaml": more})
    return load_text(files, "rules.yaml", ENV, partial=partial)


def config_of(text: str, more: str | None = None) -> Config:
    """Return the configuration of a text that must be right."""
    loaded = read(text, more=more)
    assert loaded.errors == ()
    assert loaded.config is not None
    return loaded.config


def rule_of(body: str, name: str = "r") -> Rule:
    """Return a rule with `body` as its YAML lines."""
    lines = "".join(f"    {line}\n" for line in dedent(body).strip().split("\n"))
    return config_of(f"{GOOD}  {name}:\n{lines}").rules[name]


def codes(loaded: Loaded) -> list[str]:
    """Return the codes of all problems in order."""
    return [problem.code for problem in loaded.problems]
