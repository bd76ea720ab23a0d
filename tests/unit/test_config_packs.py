"""Packs: what a team's names make of ready rules, and what is refused of either."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config_files import ENV, GOOD, codes
from watchdog.config.load import Loaded, load_text
from watchdog.config.model import Config

PACK = """\
title: Orders
about: Watches orders.
parameters:
  source: { type: source, about: The database. }
  team: { type: team, optional: true, about: The owners. }
  every: { type: every, optional: true, about: How often to look. }
  prefix: { type: prefix, default: public., about: Before the tables. }
  table: { type: table, default: jobs, about: The queue. }
  column: { type: column, default: at, about: Its instant. }
  most: { type: count, default: 3, about: How many may wait. }
  age: { type: duration, default: 30m, about: How old. }
  share: { type: share, default: 50%, about: A share. }
  page: { type: text, default: the wiki, about: Where to read on. }
defaults:
  team: "{{ pack.team }}"
  every: "{{ pack.every }}"
  evidence: { latest: "select * from {{ pack.prefix }}orders order by 1 desc" }
rules:
  stale:
    impact: "Read {{ pack.page }}."
    stale:
      source: "{{ pack.source }}"
      table: "{{ pack.prefix }}orders"
      column: "{{ pack.column }}"
      max_age: "{{ pack.age }}"
    depends_on: ["{{ pack.name }}-queue", crm]
  queue:
    title: Jobs wait
    evidence: { oldest: "select 1" }
    queue:
      source: "{{ pack.source }}"
      table: "{{ pack.table }}"
      where: "n > {{ pack.most }} and at < {{ now }} - interval '{{ pack.age }}'"
      max_rows: "{{ pack.most }}"
"""
PATH = "<packs>/orders.yaml"


def used(packs: str, pack: str = PACK, *, partial: bool = False) -> Loaded:
    """Return what comes of `packs` as the section's YAML, and of a pack called `orders`."""
    files = {"rules.yaml": f"{GOOD}packs:\n  {packs}\n", PATH: pack}
    return load_text(files, "rules.yaml", ENV, partial=partial)


def made(packs: str, pack: str = PACK) -> Config:
    loaded = used(packs, pack)
    assert loaded.problems == ()
    assert loaded.config is not None
    return loaded.config


def test_a_pack_makes_its_rules_under_the_name_of_its_use() -> None:
    names = list(made("o: { pack: orders, source: crm }").rules)
    assert names == ["orders-stale", "o-stale", "o-queue"]


def test_a_rule_of_a_pack_cannot_have_a_name_that_is_taken() -> None:
    (problem,) = used("orders: { source: crm }").problems
    assert problem.message == "rule `orders-stale` is declared twice"
    assert problem.place.line == GOOD.count("\n") + 2


def test_a_pack_is_used_twice_under_two_names() -> None:
    rules = made(
        "a: { pack: orders, source: crm }\n  b: { pack: orders, source: crm, prefix: eu. }"
    ).rules
    tables = {name: rule.kind.table for name, rule in rules.items() if name.endswith("-stale")}  # type: ignore[attr-defined]
    assert tables["a-stale"] == "public.orders"
    assert tables["b-stale"] == "eu.orders"
    assert rules["b-stale"].depends_on == ("b-queue", "crm")


def test_parameters_without_a_value_take_their_default() -> None:
    rule = made("o: { pack: orders, source: crm }").rules["o-queue"]
    assert (rule.team, rule.every) == ("data", timedelta(minutes=1))
    assert rule.kind.where == "n > 3 and at < {{ now }} - interval '30m'"  # type: ignore[attr-defined]


def test_values_of_a_team_stand_wherever_the_pack_asks_for_them() -> None:
    rules = made("o: { pack: orders, source: crm, every: 5s, most: 0x10, page: 'a {{ book' }").rules
    assert rules["o-queue"].every == timedelta(seconds=5)
    assert rules["o-queue"].kind.where == "n > 16 and at < {{ now }} - interval '30m'"  # type: ignore[attr-defined]
    assert rules["o-stale"].impact == "Read a {{ book."


def test_a_rule_adds_to_what_all_rules_of_its_pack_have() -> None:
    rule = made("o: { pack: orders, source: crm }").rules["o-queue"]
    assert list(rule.evidence) == ["latest", "oldest"]


def test_a_rule_that_is_switched_off_is_not_waited_for() -> None:
    rules = made("o: { pack: orders, source: crm, without: queue }").rules
    assert rules["o-stale"].depends_on == ("crm",)
    assert "o-queue" not in rules


def test_an_excuse_by_a_rule_that_is_switched_off_is_gone() -> None:
    pack = PACK.replace("depends_on: [", 'unless: { open: "{{ pack.name }}-queue" }\n    x-was: [')
    assert made("o: { pack: orders, source: crm }", pack).rules["o-stale"].depends_on == ()
    rules = made("o: { pack: orders, source: crm, without: [queue] }", pack).rules
    assert list(rules)[1:] == ["o-stale"]


def test_a_team_changes_single_keys_of_a_rule() -> None:
    rules = made(
        "o:\n    pack: orders\n    source: crm\n    rules:\n"
        "      queue: { every: 10s, queue: { max_rows: { warning: 5, critical: 9 } }, impact: x,"
        " do_first: y, runbook: 'https://z.example.com' }"
    ).rules
    limits = rules["o-queue"].kind.max_rows  # type: ignore[attr-defined]
    assert (limits.warning, limits.critical) == (5, 9)
    assert rules["o-queue"].every == timedelta(seconds=10)
    assert rules["o-queue"].kind.table == "jobs"  # type: ignore[attr-defined]


def test_the_pack_is_kept_with_the_configuration() -> None:
    config = made("o: { pack: orders, source: crm }")
    assert config.files[PATH] == PACK
    again = load_text(config.files, "rules.yaml", ENV).config
    assert again is not None
    assert (again.digest, list(again.rules)) == (config.digest, list(config.rules))


def test_a_part_of_a_pack_that_is_wrong_leaves_the_rest_watched() -> None:
    loaded = used(
        "p: { pack: orders, source: crm }\n  o: { pack: orders, source: crm, age: x }", partial=True
    )
    assert loaded.config is not None
    assert list(loaded.config.rules) == ["orders-stale", "p-stale", "p-queue"]
    assert [one.name for one in loaded.config.broken] == ["o-stale", "o-queue"]


def test_a_pack_that_is_not_there_is_told_as_not_watched() -> None:
    loaded = used("ordres: { source: crm }", partial=True)
    assert loaded.config is not None
    assert [(one.name, one.team) for one in loaded.config.broken] == [("ordres", "data")]


def test_a_missing_variable_is_told_once() -> None:
    loaded = used("o: { pack: orders, source: crm, prefix: '${NOT_THERE}' }", partial=True)
    assert codes(loaded) == ["missing-variable"]


def test_a_wrong_value_of_the_environment_is_not_shown() -> None:
    loaded = used("o: { pack: orders, source: crm, prefix: '${CRM_DSN}' }")
    assert codes(loaded) == ["bad-identifier"]
    assert "secret" not in repr(loaded.problems)


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("title: Orders\n", "", "missing-key", "the pack `orders` needs `title`"),
        ("type: share", "type: shares", "bad-value", "`shares` is not one of: "),
        ('column: "{{ pack.column }}"', "colunm: x", "unknown-key", "`colunm` is not a key of"),
        ("pack.age", "pack.aeg", "unknown-value", "`pack.aeg` is in no parameter of the pack"),
        ("n > {{ pack.most }}", "n > {{ pack.page }}", "bad-sql", "`pack.page` may hold anything"),
        ("select *", "select * from {{ pack.team }} --", "bad-sql", "`pack.team` may hold"),
        ("about: Watches", "about: [", "syntax", ""),
    ],
)
def test_a_mistake_in_the_pack_is_shown_in_the_pack(
    old: str, new: str, code: str, message: str
) -> None:
    loaded = used("o: { pack: orders, source: crm, team: data }", PACK.replace(old, new, 1))
    found = [one for one in loaded.problems if one.place.file == PATH]
    assert code in {one.code for one in found}
    assert any(message in one.message for one in found)


def test_databases_that_an_endpoint_is_compared_with_are_named_by_the_team() -> None:
    compared = """\
  same:
    http:
      source: "{{ pack.page }}"
      url: /ready
      same_as: { body.revision: { source: "{{ pack.source }}", query: select 1 } }
    evidence: { rows: select 1 }
"""
    pack = PACK + compared
    asked = "o: { pack: orders, source: crm, page: desk }"
    assert made(asked, pack).rules["o-same"].evidence["rows"].source == "crm"
    loaded = used(asked, pack.replace("query: select 1", "query: 'select {{ pack.page }}'"))
    assert codes(loaded) == ["bad-sql"]


def _statements(config: Config) -> str:
    texts = [query.text for rule in config.rules.values() for query in rule.evidence.values()]
    kinds = [rule.kind for name, rule in config.rules.items() if name.startswith("o-")]
    return " ".join([*texts, *(f"{kind.table} {kind.column} {kind.where}" for kind in kinds)])  # type: ignore[attr-defined]


@given(
    st.sampled_from(["prefix", "table", "column", "most", "age", "page", "team", "source"]),
    st.text(min_size=1, max_size=40)
    | st.sampled_from(["a'b", "x;--", "a b", '"', "$1", "{{ now }}"]),
)
def test_no_text_of_a_team_becomes_sql(name: str, text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    loaded = used(f"o: {{ pack: orders, source: crm, {name}: {quoted} }}")
    plain = used("o: { pack: orders, source: crm }")
    assert plain.config is not None
    if loaded.config is None:
        return
    words = (
        _statements(loaded.config).replace(text, "")
        if name in {"prefix", "table", "column"}
        else ""
    )
    if words:
        assert all(part.isidentifier() for part in text.strip().strip(".").split(".") if part)
    elif name == "age":
        assert set(text.strip()) <= set("0123456789dhms")
    else:
        assert _statements(loaded.config) == _statements(plain.config)
