"""What `watchdog packs` lists, shows and finds wrong, offline."""

from pathlib import Path

import pytest

from tests.command_line import Terminal, say
from tests.unit.test_packs import BASE, WATCHED
from watchdog.config.files import shipped_packs

USED = BASE.replace(
    "packs:\n", "packs:\n  desk: { pack: support_desk, api: api, source: database }\n"
)


@pytest.fixture
def shell(tmp_path: Path) -> Terminal:
    here = Terminal(tmp_path)
    here.rules.write_text(BASE + "  zendesk_sync: { source: database }\n")
    return here


def test_every_pack_is_listed_with_what_it_watches_in_order() -> None:
    rows = {row["pack"]: row for row in say("packs", "list", "-o", "json").rows}
    for name, watches in WATCHED.items():
        assert rows[name]["watches"] == watches
        assert rows[name]["rules"] >= len(watches.split()) / 2
        assert rows[name]["what"]


@pytest.mark.parametrize("name", WATCHED)
def test_a_pack_is_shown_with_its_parameters_and_its_rules(name: str) -> None:
    said = say("packs", "show", name, "-o", "json")
    [shown] = said.rows
    assert (said.code, shown["pack"], said.err) == (0, name, "")
    assert {"source"} <= {one["parameter"] for one in shown["parameters"]}
    assert all(one["about"] for one in shown["parameters"])
    assert all(one["watches"] and one["question"] and one["kind"] for one in shown["rules"])
    assert all(one["what"] and one["does"] and one["needs"] for one in shown["actions"])
    tsv = say("packs", "show", name)
    assert tsv.out.startswith("parameter\ttype\tdefault\tneeded\tabout\n")
    needed = [one["parameter"] for one in shown["parameters"] if one["needed"]]
    words = ", ".join(f"{one}: …" for one in needed)
    assert tsv.err == f"Use it: write `packs: {{ {name}: {{ {words} }} }}` into rules.yaml\n"


def test_a_pack_is_shown_with_what_may_be_run_and_what_that_needs() -> None:
    found = {
        (name, one["rule"], one["action"]): (one["does"], one["needs"])
        for name in shipped_packs()
        for one in say("packs", "show", name, "-o", "json").rows[0]["actions"]
    }
    http, sql = ("http", "trigger"), ("sql", "writer")
    assert found["zendesk_sync", "runs-failing", "resync"] == http
    assert found["background_sync", "slot-missed", "resync"] == http
    assert found["servicetitan_sync", "sync-stuck", "resync"] == http
    assert found["servicetitan_sync", "sync-stuck", "unstick"] == sql
    assert found["workspace_issues", "repository-failing", "reset"] == sql
    assert found["support_desk", "degraded", "requeue"] == sql
    moves = [one for one in found if "cursor" in " ".join(one)]
    assert {action for *_, action in moves} == set()  # moving a cursor is no button
    assert "Start a sync by hand" in say("packs", "show", "zendesk_sync", "-o", "table").out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zendesk-sync", "there is no pack zendesk-sync; did you mean `zendesk_sync`?\n"),
        ("../packs/zendesk_sync", "there is no pack ../packs/zendesk_sync"),
        ("moon\x1b[2J", "there is no pack moon [2J; there are background_sync, "),
    ],
)
def test_a_pack_that_is_not_there_is_wrong_use(name: str, said: str) -> None:
    shown = say("packs", "show", name)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith(said)


def test_all_rules_of_a_pack_would_run(shell: Terminal) -> None:
    said = shell.run_now("packs", "check", "-o", "json")
    assert said.code == 0
    assert {row["state"] for row in said.rows} == {"runs"}
    assert all(row["rule"].startswith("zendesk_sync-") for row in said.rows)
    told = shell.run_now("packs", "check", "zendesk_sync")
    count = len(said.rows)
    sentence = f"{count} of {count} rules would run. Ask the sources: watchdog packs check --live\n"
    assert (told.code, told.err) == (0, sentence)


def test_a_pack_with_a_mistake_says_which_and_ends_with_1(shell: Terminal) -> None:
    shell.rules.write_text(BASE + "  zendesk_sync: { source: moon }\n")
    said = shell.run_now("packs", "check")
    assert said.code == 1
    assert "wrong" in said.out
    assert said.err.startswith("0 of ")


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        (BASE.replace("packs:\n", ""), (), "uses no packs; `watchdog packs list`"),
        (BASE + "  zendesk_sync: { source: database }\n", ("moon",), "it uses: zendesk_sync"),
        ("version: [", (), "cannot be read; `watchdog check` says why"),
    ],
)
def test_what_cannot_be_checked_is_wrong_use(
    text: str, name: tuple[str, ...], sentence: str, shell: Terminal
) -> None:
    shell.rules.write_text(text)
    said = shell.run_now("packs", "check", *name)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
