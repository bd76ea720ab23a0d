"""What the pages show works, and where they lead there is something."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

import dev
from notifiers.base import Event
from rules.base import Outcome, Severity
from rules.registry import KINDS
from watchdog.cli import ALIASES, COMMANDS
from watchdog.cli.group import watchdog
from watchdog.config.load import Loaded, load, load_text
from watchdog.demo.failures import FAILURES
from watchdog.domain.incident import State

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/adr/*.md")],
    key=lambda path: path.relative_to(ROOT).parts,
)
ENV = {
    "SHOP_DSN": "postgresql://reader:secret@db.example.com/shop",
    "SLACK_BOT_TOKEN": "xoxb-secret",
    "SLACK_APP_TOKEN": "xapp-secret",
    "SLACK_WEBHOOK": "https://hooks.slack.com/services/T01/B01/x",
    "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "BACKUP_PING_KEY": "nightly-backup-7f3a",
    "LINK_KEY": "5ab97c0b1d5e4f0a8c6b2f9e7d3c1a0b",
    "SMTP_URL": "smtp://watchdog:secret@mail.example.com:587",
    "WATCHDOG_HOOK_URL": "https://incidents.example.com/watchdog",
    "WATCHDOG_HOOK_SECRET": "77aa0bb1c2d3e4f5061728394a5b6c7d",
}
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_SHORT = "\n".join(
    [
        "sources: { shop: { sqlite: shop.db, team: shop } }",
        "people: { ana: { email: ana@example.com } }",
        "teams: { shop: { lead: ana } }",
        "rules: { up: { team: shop, sql: { source: shop, query: select 1 } } }",
    ]
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _blocks(language: str, pages: list[Path] = PAGES) -> Iterator[tuple[str, str]]:
    for path in pages:
        for number, match in enumerate(_FENCE.finditer(path.read_text("utf-8"))):
            if match[1] == language:
                yield f"{_name(path)} block {number}", match[2]


def _load_block(text: str) -> Loaded:
    """Return what comes of a snippet; sections that it does not show are those of a small example."""
    shown = yaml.safe_load(text)
    rest = {key: value for key, value in yaml.safe_load(_SHORT).items() if key not in shown}
    if "version" not in shown:
        rest["version"] = 1
    added = yaml.safe_dump(rest, sort_keys=False) if rest else ""
    return load_text({"rules.yaml": f"{text}\n{added}"}, "rules.yaml", ENV)


@pytest.mark.parametrize(
    ("where", "text"),
    [(w, t) for w, t in _blocks("yaml") if not w.startswith("docs/rules.md")],
)
def test_every_yaml_snippet_loads(where: str, text: str) -> None:
    loaded = _load_block(text)
    assert [f"{one.place.line}: {one.message}" for one in loaded.problems] == [], where


def test_the_snippets_of_the_reference_are_the_examples() -> None:
    examples = {path.read_text("utf-8").strip() for path in EXAMPLES.glob("*.yaml")}
    for _, text in _blocks("yaml", [ROOT / "docs/rules.md"]):
        assert text.strip() in examples


def test_the_examples_are_one_configuration_without_a_mistake() -> None:
    loaded = load(EXAMPLES / "rules.yaml", ENV)
    assert loaded.problems == ()
    assert loaded.config is not None
    assert {rule.kind_name for rule in loaded.config.rules.values()} == set(KINDS)
    assert len(loaded.texts) == len(list(EXAMPLES.glob("*.yaml")))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_an_example_of_its_own(kind: str) -> None:
    shown = yaml.safe_load((EXAMPLES / f"{kind}.yaml").read_text("utf-8"))
    assert all(kind in rule for rule in shown["rules"].values())


def _slug(heading: str) -> str:
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _anchors(path: Path) -> set[str]:
    text = _FENCE.sub("", path.read_text("utf-8"))
    return {_slug(match[1]) for match in re.finditer(r"^#{1,6} (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", path.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in _anchors(target), f"{link} has no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        links = _LINK.findall(path.read_text("utf-8"))
        ahead += [
            (path.parent / one.partition("#")[0]).resolve() for one in links if ":" not in one
        ]
    # what the measurements say has a page once somebody has measured
    assert {path for path in PAGES if path.name != "performance.md"} <= reached


def _typed() -> Iterator[tuple[str, list[str]]]:
    for where, text in _blocks("console", [page for page in PAGES if page.name != "commands.md"]):
        for line in text.splitlines():
            words = line.partition("#")[0].split()
            if words and words[0].endswith("watchdog"):
                yield where, words[1:]


@pytest.mark.parametrize(("where", "words"), list(_typed()))
def test_every_command_that_is_shown_exists(where: str, words: list[str]) -> None:
    name, *rest = words
    assert name in COMMANDS or name in ALIASES, where
    context = click.Context(watchdog, info_name="watchdog")
    command = watchdog.get_command(context, name)
    if isinstance(command, click.Group):
        command, rest = command.get_command(context, rest[0]), rest[1:]
    assert command is not None, where
    known = {option for one in command.params for option in one.opts}
    assert {word for word in rest if word.startswith("-")} <= known, where


def test_every_failure_that_the_readme_breaks_is_one() -> None:
    named = re.findall(r"demo (?:break|mend) (\w+)", (ROOT / "README.md").read_text("utf-8"))
    assert named
    assert set(named) <= set(FAILURES)


def test_every_command_of_dev_py_that_is_shown_exists() -> None:
    for path in PAGES:
        for name in re.findall(r"python3 dev\.py (\w+)", path.read_text("utf-8")):
            assert name in dev.COMMANDS, f"{_name(path)}: {name}"


@pytest.mark.parametrize(
    "word", [*State, *Severity, *Outcome, *KINDS, Event.WITHDRAWN, Event.BACK_AGAIN]
)
def test_every_word_of_the_domain_is_in_the_glossary(word: str) -> None:
    text = (ROOT / "docs/glossary.md").read_text("utf-8")
    assert re.search(rf"[`*]{re.escape(str(word))}[`*]|\*\*{str(word).replace('_', ' ')}\*\*", text)


def test_the_changes_begin_with_what_is_not_released() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+(?: - \d{4}-\d\d-\d\d)?", one) for one in headings[1:])


def test_decisions_are_numbered_without_gaps_and_say_what_they_cost() -> None:
    pages = sorted((ROOT / "docs/adr").glob("0*.md"))
    assert [int(path.name[:4]) for path in pages] == list(range(1, len(pages) + 1))
    for path in pages:
        text = path.read_text("utf-8")
        assert text.startswith(f"# {path.name[:4]} · ")
        for part in ("**Context.**", "**Options.**", "**Decision.**", "**What it costs.**"):
            assert part in text, f"{path.name} lacks {part}"
