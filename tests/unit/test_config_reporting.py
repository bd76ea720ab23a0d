"""Reports as a team writes them."""

from textwrap import dedent, indent

from tests.config_files import codes, config_of, read
from watchdog.config.load import Loaded
from watchdog.config.model import Report

BASE = """\
version: 1
people: { ana: { email: ana@example.com } }
teams:
  data: { lead: ana, slack: data-alerts, email: data@example.com, timezone: Europe/Berlin }
  quiet: { lead: ana, slack: quiet }
  alone: { lead: ana }
defaults: { team: data }
sources:
  crm: { postgres: "${CRM_DSN}" }
  web_sync: { sqlite: /data/web.db, time: iso }
reports:
"""
PARTS = "parts: { totals: { source: crm, figures: select 1 as total } }"


def text_of(body: str) -> str:
    return f"{BASE}  morning:\n{indent(dedent(body).strip(), '    ')}\n"


def report_of(body: str) -> Report:
    return config_of(text_of(body)).reports["morning"]


def refused(body: str) -> Loaded:
    loaded = read(text_of(body))
    assert loaded.config is None
    return loaded


def test_a_report_comes_at_its_time_in_the_zone_of_its_team() -> None:
    report = report_of(f"title: The morning\nat: '08:30'\ndays: mon-fri\n{PARTS}")
    assert report.cron.text == "30 8 * * mon,tue,wed,thu,fri"
    assert report.zone.key == "Europe/Berlin"
    assert report.team == "data"


def test_it_goes_wherever_its_team_can_be_reached() -> None:
    assert report_of(f"title: x\nat: '08:00'\n{PARTS}").send == ("slack", "email")
    assert report_of(f"title: x\nteam: quiet\nat: '08:00'\n{PARTS}").send == ("slack",)
    assert report_of(f"title: x\nat: '08:00'\nsend: email\n{PARTS}").send == ("email",)


def test_a_team_without_channel_and_address_has_no_way_of_its_own() -> None:
    assert report_of(f"title: x\nteam: alone\nat: '08:00'\n{PARTS}").send == ()


def test_a_line_may_say_when() -> None:
    assert report_of(f"title: x\ncron: '0 9 1 * *'\n{PARTS}").cron.text == "0 9 1 * *"


def test_its_parts_stay_in_their_order() -> None:
    report = report_of("""
        title: x
        at: "08:00"
        parts:
          zebra: { source: crm, figures: select 1 as total }
          most_overdue: { source: web_sync, table: select 2 as total }
          ape: { title: Apes, source: crm, figures: select 3 as total }
    """)
    assert [(one.title, one.is_table) for one in report.parts] == [
        ("Zebra", False),
        ("Most overdue", True),
        ("Apes", False),
    ]
    assert report.parts[1].query.dialect.name == "sqlite"


def test_samples_say_how_days_are_read() -> None:
    report = report_of(f"""
        title: x
        at: "08:00"
        {PARTS}
        samples:
          syncs:
            source: crm
            query: select 1 as total, 2 as issues
            rising: issues
            per: {{ each: [issues, total] }}
    """)
    [sample] = report.samples
    assert sample.title == "Syncs"
    assert sample.reading.rising == ("issues",)
    assert sample.reading.per == {"each": ("issues", "total")}


def test_one_whose_time_keeps_a_pace_is_refused() -> None:
    for line in ("0 */24 * * *", "0,30 8 * * *", "@hourly"):
        assert codes(refused(f"title: x\ncron: '{line}'\n{PARTS}")) == ["bad-cron"]


def test_a_start_goes_on_without_a_wrong_report() -> None:
    loaded = read(text_of(f"title: x\nat: soon\n{PARTS}"), partial=True)
    assert loaded.config is not None
    assert loaded.config.reports == {}


def test_a_report_of_a_pack_can_be_changed_and_switched_off() -> None:
    def with_pack(more: str) -> dict[str, Report]:
        pack = f"{{ source: crm, escalate_to: data{more} }}"
        text = BASE.replace("reports:\n", f"packs:\n  zendesk_sync: {pack}\n")
        return dict(config_of(text).reports)

    assert with_pack("")["zendesk_sync-morning"].cron.text == "0 8 * * *"
    changed = with_pack(', reports: { morning: { at: "07:15", team: quiet } }')
    assert changed["zendesk_sync-morning"].cron.text == "15 7 * * *"
    assert changed["zendesk_sync-morning"].team == "quiet"
    assert with_pack(", without: morning") == {}


def test_what_is_open_for_information_is_a_part_like_the_others() -> None:
    report = report_of(f"title: x\nat: '08:00'\nopen_info: orders-*\n{PARTS}")
    assert report.open_info == ("orders-*",)
    parts = ", ".join(f"p{n}: {{ source: crm, figures: select {n} as n }}" for n in range(6))
    body = f"title: x\nat: '08:00'\nparts: {{ {parts} }}\n"
    assert len(report_of(body).parts) == 6
    [problem] = refused(f"{body}open_info: orders-*\n").problems
    assert "needs 1 to 5 `parts` beside `open_info`" in problem.message
