"""The reference of `rules.yaml`, from the models that read it."""

from pathlib import Path

from docs.generators.tables import keys_of, table, words_of, written
from docs.generators.text import filled
from rules.classify import BUILT_IN
from rules.registry import KINDS
from rules.settings import CommonSettings, Settings, TableSettings
from watchdog.config import reporting, shapes, team_shapes, weekly
from watchdog.config.action_shapes import ActionShape
from watchdog.config.load import load_text
from watchdog.config.model import Config, Rule

EXAMPLES = Path(__file__).parents[1] / "examples"

SECTIONS: dict[str, type[shapes.Shape]] = {
    "service": shapes.ServiceShape,
    "slack": shapes.SlackShape,
    "email": shapes.EmailShape,
    "webhook": shapes.WebhookShape,
    "apprise": shapes.AppriseShape,
    "source": shapes.SourceShape,
    "person": team_shapes.PersonShape,
    "team": team_shapes.TeamShape,
    "route": shapes.RouteShape,
    "maintenance": shapes.MaintenanceShape,
    "storms": shapes.StormsShape,
    "override": shapes.OverrideShape,
    "action": ActionShape,
    "report": reporting.ReportShape,
    "weekly": weekly.WeeklyShape,
}
"""Sections of the file, by the names under which the text asks for their tables."""

_TURNS = {"rotate": "`weekly`", "handover": "at `10:00`, on Monday or the 1st"}

_SMALLEST = """\
version: 1
people: { ana: { email: ana@example.com } }
teams: { shop: { lead: ana } }
defaults: { team: shop }
sources: { shop: { http: "https://shop.example.com" } }
rules: { up: { http: { source: shop, url: / } } }
"""


def page() -> str:
    """Return docs/rules.md."""
    smallest = _config()
    defaults = {
        "source": _source_defaults(smallest),
        "person": {"timezone": written(smallest.directory.people["ana"].zone)},
        "action": {"at_most": "`3 per incident`", "http.ok": "`[200, 201, 202, 204]`"},
        "team": {
            "timezone": written(smallest.directory.teams["shop"].zone),
            **{f"oncall.{key}": words for key, words in _TURNS.items()},
            **{f"oncall.layers.{key}": words for key, words in _TURNS.items()},
        },
    }
    parts = {name: table(keys_of(one), defaults.get(name)) for name, one in SECTIONS.items()}
    parts["rule"] = table(keys_of(shapes.RuleShape), _rule_defaults(smallest.rules["up"]))
    parts["kinds"] = "\n\n".join(kind(name) for name in KINDS)
    parts["every-kind"] = table(keys_of(Settings))
    parts["every-table"] = table(keys_of(TableSettings, without=Settings))
    parts["classes"] = ", ".join(f"`{name}`" for name in BUILT_IN)
    parts["template"] = example("template")
    parts["oncall"] = example("oncall")
    parts["overridden"] = example("overrides")
    parts["stormy"] = example("storms")
    parts["announced"] = example("maintenance")
    parts["acted"] = example("actions")
    parts["reported"] = example("reports")
    parts["weekly_example"] = example("weekly")
    return filled("rules.md", parts)


def kind(name: str) -> str:
    """Return the part about one kind: what it says, an example, its own keys."""
    model = KINDS[name]
    bases = (TableSettings, Settings, CommonSettings)
    base = next(one for one in bases if issubclass(model, one))
    limits = {model.model_fields[one].alias or one for one in model.LIMITS}
    *most, last = sorted(f"`{one}`" for one in limits)
    shared = "[a table's](#tables) and [those of every kind](#every-kind)"
    if base is Settings:
        shared = "[those of every kind](#every-kind)"
    elif base is CommonSettings:
        shared = "`class` of [every kind](#every-kind); it has no `source`"
    return "\n\n".join(
        (
            f"### {name}",
            words_of(model),
            example(name),
            f"Its own keys, beside {shared}:",
            table(keys_of(model, without=base)),
            f"Open incidents stay when {', '.join(most)} or {last} change; "
            "with any other key it watches something else.",
        )
    )


def example(name: str) -> str:
    """Return docs/examples/NAME.yaml as a block."""
    return f"```yaml\n{(EXAMPLES / name).with_suffix('.yaml').read_text('utf-8').strip()}\n```"


def _config() -> Config:
    loaded = load_text({"rules.yaml": _SMALLEST}, "rules.yaml", {})
    assert loaded.config is not None
    return loaded.config


def _source_defaults(config: Config) -> dict[str, str]:
    source = config.sources["shop"]
    return {
        "timeout": written(source.timeout),
        "connections": written(source.connections),
        "time": "`iso` for SQLite, else `native`",
        "zone": written(source.dialect.zone),
        "body_max": f"`{source.body_bytes_max // 1_000_000}MB`",
        "team": "that of `defaults:`",
        "direct": "found out",
    }


def _rule_defaults(rule: Rule) -> dict[str, str]:
    policy = rule.policy
    return {
        "team": "must be given here or there",
        "severity": written(rule.severity),
        "every": written(rule.every),
        "open_after": f"`{policy.open_after} checks`",
        "for": written(policy.open_for),
        "recover_after": f"`{policy.recover_after} checks`",
        "reopen_within": written(policy.reopen_within),
        "title": "the rule's name",
    }
