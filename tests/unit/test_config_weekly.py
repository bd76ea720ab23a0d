"""The weekly summary as a team writes it."""

import pytest

from tests.config_files import codes, config_of, read
from watchdog.config.load import load_text
from watchdog.config.model import WeeklyReport

BASE = """\
version: 1
people:
  ana: { email: ana@example.com }
  raj: { email: raj@example.com }
  tom: { slack: U04TOM }
teams:
  data: { lead: ana, timezone: Europe/Berlin }
  shop: { lead: raj, timezone: Europe/Berlin }
  desk: { lead: tom, timezone: Europe/Berlin }
reports:
"""


def weekly(body: str, base: str = BASE) -> WeeklyReport:
    return config_of(f"{base}  mondays: {{ kind: weekly{body} }}\n").weeklies["mondays"]


def test_it_comes_on_monday_at_half_past_eight_by_the_clock_that_all_teams_share() -> None:
    report = weekly("")
    assert report.cron.text == "30 8 * * mon"
    assert (report.name, report.zone.key) == ("mondays", "Europe/Berlin")


def test_by_default_the_leads_who_have_mail_get_it() -> None:
    assert weekly("").to == ("ana@example.com", "raj@example.com")


def test_people_and_addresses_get_it_once_each() -> None:
    to = ", to: [ana, heads@example.com, ana@example.com]"
    assert weekly(to).to == ("ana@example.com", "heads@example.com")
    assert weekly(", to: raj").to == ("raj@example.com",)
    assert weekly(", to: [Ana@Example.com, ana]").to == ("Ana@Example.com",)


@pytest.mark.parametrize(
    ("body", "line"), [(", at: '07:15', day: fri", "15 7 * * fri"), (", day: Sun", "30 8 * * sun")]
)
def test_another_time_and_day_can_be_said(body: str, line: str) -> None:
    assert weekly(body).cron.text == line


def test_where_teams_differ_it_goes_by_utc_or_by_what_is_said() -> None:
    mixed = BASE.replace("raj, timezone: Europe/Berlin", "raj, timezone: Asia/Kolkata")
    assert weekly("", mixed).zone.key == "UTC"
    assert weekly(", timezone: Asia/Kolkata", mixed).zone.key == "Asia/Kolkata"


def test_it_stands_beside_reports_that_ask() -> None:
    asks = "sources: { crm: { sqlite: a.db, team: data } }\n"
    morning = (
        "  morning: { title: x, team: data, at: '08:00', send: email, "
        "parts: { all: { source: crm, table: select 1 } } }\n"
    )
    base = BASE.replace("lead: ana,", "lead: ana, email: data@example.com,")
    text = base.replace("reports:\n", f"{asks}reports:\n{morning}  mondays: {{ kind: weekly }}\n")
    config = config_of(text)
    assert (set(config.reports), set(config.weeklies)) == ({"morning"}, {"mondays"})


def test_a_name_is_declared_once() -> None:
    twice = f"{BASE}  mondays: {{ kind: weekly }}\n  mondays: {{ kind: weekly }}\n"
    assert codes(read(twice)) == ["duplicate-key"]


def test_a_start_goes_on_without_a_wrong_one() -> None:
    text = f"{BASE}  mondays: {{ kind: weekly, to: nobody }}\n"
    loaded = load_text({"rules.yaml": text}, "rules.yaml", {}, partial=True)
    assert loaded.config is not None
    assert loaded.config.weeklies == {}
