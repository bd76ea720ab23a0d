"""The generated pages say everything, and as it is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import click
import pytest
from pydantic import BaseModel, Field

from docs import generate
from docs.generators import commands, demo, incidents, problems, rules, spellings, tables
from docs.generators.spellings import Undocumented
from notifiers.base import Event
from rules.classify import BUILT_IN
from rules.fields import Count, Duration, PositiveDuration
from rules.registry import KINDS
from watchdog.cli import COMMANDS, ending
from watchdog.cli.group import watchdog
from watchdog.config import gather, shapes
from watchdog.demo.failures import FAILURES
from watchdog.domain.moves import EDGES, MOVES
from watchdog.domain.people import Role
from watchdog.metrics import METRICS

ROOT = Path(__file__).parents[2]
PAGES = {path.name: text for path, text in generate.made().items()}
SPEAKERS = {
    "Problem",
    "PydanticCustomError",
    "TitleProblem",
    "mark",
    "add",
    "refuse",
    "complain",
    "refusal",
}


def test_every_move_and_every_event_of_an_incident_is_told() -> None:
    page = PAGES["incidents.md"]
    assert all(f"    {one} --> {two}: " in page for one, two in EDGES)
    assert all(f"| `{one.event}` |" in page for one in MOVES)
    assert incidents.EVENTS.keys() == set(Event) - {Event.TEST}
    assert all(words in PAGES["incidents.md"] for words in incidents.EVENTS.values())


@pytest.mark.parametrize("path", generate.made(), ids=lambda path: path.name)
def test_a_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == generate.made()[path], "run `python docs/generate.py`"


def test_check_is_content_with_pages_that_are_up_to_date(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_check_names_a_page_that_is_out_of_date(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(generate.PAGES, "demo.md", lambda: "something else")
    assert generate.main(["--check"]) == 1
    assert "docs/demo.md is out of date" in capsys.readouterr().err


def test_what_has_no_words_fails_the_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(BaseModel):
        limit: int

    monkeypatch.setitem(generate.PAGES, "demo.md", lambda: tables.table(tables.keys_of(Silent)))
    assert generate.main(["--check"]) == 1
    assert "`limit` has no description" in capsys.readouterr().err


def test_every_kind_has_its_part() -> None:
    for kind in KINDS:
        assert f"\n### {kind}\n" in PAGES["rules.md"]


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner, _ in tables._inner(field.annotation):
            yield from _models(inner)


def test_every_model_of_a_section_is_in_a_table() -> None:
    shown = {one for section in rules.SECTIONS.values() for one in _models(section)}
    shown |= {*_models(shapes.RuleShape), shapes.DefaultsShape}
    declared = {
        one
        for one in vars(shapes).values()
        if isinstance(one, type) and issubclass(one, shapes.Shape)
    }
    assert declared - shown == {shapes.Shape}


@pytest.mark.parametrize("model", [*KINDS.values(), *rules.SECTIONS.values(), shapes.RuleShape])
def test_every_key_of_a_model_is_on_the_page(model: type[BaseModel]) -> None:
    for key in tables.keys_of(model):
        assert f"\n| `{key.path}` | {key.spelling} |" in PAGES["rules.md"]


def test_every_section_of_the_file_is_named() -> None:
    for section in gather.TOP:
        assert f"\n| `{section}` |" in PAGES["rules.md"]


def test_every_built_in_failure_class_is_named() -> None:
    for name in BUILT_IN:
        assert f"`{name}`" in PAGES["rules.md"]


def test_limits_are_named_as_what_keeps_incidents() -> None:
    part = rules.kind("stuck")
    assert "Open incidents stay when `class` or `max_age` change" in part


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Duration, "[duration](#durations)"),
        (PositiveDuration, "[duration](#durations)"),
        (Annotated[Count, Field(le=5)], "whole number"),
        (Annotated[int, Field(ge=1)] | None, "whole number"),
        (tuple[str, ...], "list of texts"),
        (dict[str, int], "mapping"),
        (Role, "`viewer`, `responder` or `admin`"),
    ],
)
def test_a_type_is_spelled_like_what_it_refines(annotation: Any, words: str) -> None:
    assert spellings.spelled(annotation) == words


def test_a_type_without_a_spelling_is_refused() -> None:
    with pytest.raises(Undocumented, match="complex"):
        spellings.spelled(complex)


def _commands(above: click.Context, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=above)
        yield context.command_path, command
        if isinstance(command, click.Group):
            yield from _commands(context, command)


def test_every_command_and_option_is_on_the_page() -> None:
    found = dict(_commands(click.Context(watchdog, info_name="watchdog"), watchdog))
    assert len(found) > len(COMMANDS)
    for path, command in found.items():
        _, heading, part = PAGES["commands.md"].partition(f"# {path}\n")
        assert heading, f"{path} has no part"
        part = part.partition("\n#")[0]
        for option in (one for one in command.params if isinstance(one, click.Option)):
            assert f"\n| `{', '.join(option.opts)}" in part, f"{path} {option.opts}"


def test_an_option_without_a_default_has_none_on_the_page() -> None:
    assert "\n| `--team TEXT` |  | " in PAGES["commands.md"]
    assert "Sentinel" not in PAGES["commands.md"]


def test_every_exit_code_has_its_meaning() -> None:
    codes = {
        value for name, value in vars(ending).items() if name.isupper() and isinstance(value, int)
    }
    assert set(commands.ENDINGS) == codes | {0}


def test_every_metric_is_on_the_page() -> None:
    for metric in METRICS:
        assert f"| `{metric.name}` |" in PAGES["metrics.md"]


def test_every_failure_of_the_demo_is_on_the_page() -> None:
    assert {one[0] for one in FAILURES} == set(demo.SYSTEMS)
    for name, failure in FAILURES.items():
        assert f"| {name} | {failure.title} |" in PAGES["demo.md"]


def _codes_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            named = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            first = node.args[0]
            if (
                named in SPEAKERS
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                yield first.value.replace("_", "-")


def test_every_problem_that_the_code_names_has_an_example() -> None:
    shown = {*problems.shortest(), *problems.RARE, "bad-order"}  # shown as threshold-order
    files = [*(ROOT / "watchdog/config").glob("*.py"), *(ROOT / "rules").glob("*.py")]
    codes = {code for path in files for code in _codes_in(path) if re.fullmatch(r"[a-z-]+", code)}
    assert len(codes) > 40
    assert codes <= shown, f"tests/config/*.bad.yaml shows none of {sorted(codes - shown)}"


def test_problems_that_are_only_described_have_no_example() -> None:
    assert not set(problems.RARE) & set(problems.shortest())


def test_every_example_of_a_problem_shows_its_code() -> None:
    for code, text in problems.shortest().items():
        assert re.match(rf"(error|warning)\[{code}\]: .", text)
