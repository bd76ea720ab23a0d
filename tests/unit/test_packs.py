"""The packs that come with us: complete, loadable, worth reading at three in the morning."""

import re

import pytest

from tests.carried import CARRIED, carried
from watchdog.config.files import Disk, pack_path, shipped_packs
from watchdog.config.load import Loaded, load_text
from watchdog.config.packfacts import rules_of, shipped_pack
from watchdog.config.packfile import NAME, Parameter, _Instance
from watchdog.config.reading import parse

WATCHED = {
    "zendesk_sync": "Z1 Z2 Z3 Z4 Z5 Z6 Z7 Z8 Z9 Z10",
    "background_sync": "B1 B2 B3 B4 B5 B6 B7 B8",
    "servicetitan_sync": "S1 S2 S3 S4 S5 S6 S7 S8 S9 S10",
    "workspace_issues": "W1 W2 W3 W4 W5 W6 W7 W8 W9 W10 W11",
    "support_desk": "E1 E2 E3 E4 E5 E6 E7 E8 E9 E10 E11 E12 E13",
}
"""The failures that each pack watches."""

BASE = """\
version: 1
people: { ana: { email: ana@example.com } }
teams: { data: { lead: ana, email: data@example.com } }
sources:
  database: { postgres: "postgres://db/x", team: data }
  api: { http: "https://api.example.com", team: data }
defaults: { team: data }
packs:
"""
GIVEN = {"api": "api", "source": "database", "drill_key": "restore-drill"}


def given(one: Parameter) -> str:
    """Return what a team may give for a parameter that has no default."""
    return GIVEN.get(one.name) or {"source": "database", "text": "words"}[one.type]


def used(name: str, *, in_full: bool = False) -> Loaded:
    """Return what comes of a pack with nothing but what it needs, or with every default written."""
    needed = {
        one.name: given(one)
        for one in shipped_pack(name).parameters.values()
        if one.default is None and (not one.is_optional or one.name in {"api", "log", "drill_key"})
    }
    for one in shipped_pack(name).parameters.values():
        if in_full and one.default:
            needed[one.name] = one.default.text if one.default.is_plain else f"'{one.default.text}'"
    values = ", ".join(f"{key}: {value}" for key, value in needed.items())
    return load_text({"rules.yaml": f"{BASE}  {name}: {{ {values} }}\n"}, "rules.yaml", {})


@pytest.mark.parametrize("name", shipped_packs())
def test_a_pack_needs_nothing_but_what_it_says(name: str) -> None:
    loaded = used(name)
    assert loaded.problems == ()
    assert loaded.rules == len(shipped_pack(name).rules)


@pytest.mark.parametrize("name", shipped_packs())
def test_a_default_is_what_its_parameter_may_be(name: str) -> None:
    assert used(name, in_full=True).problems == ()


@pytest.mark.parametrize("name", WATCHED)
def test_a_pack_watches_its_failures(name: str) -> None:
    watched = {one for rule in rules_of(shipped_pack(name)) for one in rule.watches}
    assert watched == set(WATCHED[name].split())


@pytest.mark.parametrize("name", shipped_packs())
def test_each_rule_carries_its_evidence_and_its_proofs_and_no_others(name: str) -> None:
    loaded = used(name)
    assert loaded.config is not None
    for rule, found in loaded.config.rules.items():
        assert (frozenset(found.evidence), frozenset(found.verify)) == carried(rule), rule
    assert CARRIED[name].keys() <= shipped_pack(name).rules.keys()


@pytest.mark.parametrize("name", shipped_packs())
def test_every_parameter_is_asked_for_and_none_has_a_name_of_ours(name: str) -> None:
    text = Disk().read(pack_path(name)).decode()
    parameters = shipped_pack(name).parameters
    asked = set(re.findall(r"\{\{ pack\.(\w+) \}\}", text))
    assert asked - {NAME} == set(parameters)
    assert not parameters.keys() & {NAME, *_Instance.model_fields}


@pytest.mark.parametrize("name", shipped_packs())
def test_every_rule_says_what_a_woken_person_needs(name: str) -> None:
    for rule, table in shipped_pack(name).rules.items():
        missing = {"title", "impact", "do_first", "x-watches", "x-question"} - table.entries.keys()
        assert not missing, f"{rule}: {missing}"


def test_a_rule_is_left_out_where_what_it_asks_is_not_given() -> None:
    text = f"{BASE}  workspace_issues: {{ source: database }}\n"
    loaded = load_text({"rules.yaml": text}, "rules.yaml", {})
    assert loaded.problems == ()
    names = {f"workspace_issues-{one}" for one in shipped_pack("workspace_issues").rules}
    assert loaded.config is not None
    left_out = {"workspace_issues-rate-limit", "workspace_issues-sync-slow"}
    assert names - loaded.config.rules.keys() == left_out


def test_the_packs_are_there_wherever_we_are_installed() -> None:
    assert set(WATCHED) <= set(shipped_packs())
    assert all(parse(Disk().read(pack_path(one)).decode(), one).root for one in shipped_packs())
