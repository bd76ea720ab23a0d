"""The sections of the weekly summary, row by row; and the totals that a reader can add up."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifiers.summary import (
    ActionLine,
    BackLine,
    DayLine,
    GapLine,
    LoadLine,
    NoiseLine,
    StatisticsPart,
    Summary,
)
from notifiers.summary_samples import sample_summary
from notifiers.summary_sections import (
    ROWS_MAX,
    Section,
    bars,
    day_words,
    decisions,
    sections_above,
    sections_below,
)
from tests.any_summaries import any_summaries

HOUR = timedelta(hours=1)
SAMPLE = sample_summary()


def section(title: str, summary: Summary = SAMPLE) -> Section:
    shown = (*sections_above(summary), *sections_below(summary))
    [found] = [one for one in shown if one.title == title]
    return found


def rows(title: str, summary: Summary = SAMPLE) -> list[tuple[str, ...]]:
    return [(one.head, one.detail, *one.cells) for one in section(title, summary).lines]


def test_sections_come_in_the_agreed_order() -> None:
    above = [one.title for one in sections_above(SAMPLE)]
    below = [one.title for one in sections_below(SAMPLE)]
    assert above == ["Please decide", "Still open", "Came back", "Noisiest rules"]
    assert below == [
        *("Load per person", "Open preventive actions"),
        *("What we could not see", "Syncs of repositories"),
    ]


def test_decisions_are_numbered() -> None:
    assert [one[0][:3] for one in rows("Please decide")] == ["1. ", "2. ", "3. "]


def test_what_is_open_says_what_it_is_whose_and_for_how_long() -> None:
    assert rows("Still open") == [
        ("Zendesk stopped loading", "#1051 · warning · taken · owner mei", "1 d 4 h")
    ]
    assert section("Still open").lines[0].path == "/i/1051"


def test_what_came_back_says_how_often_and_why() -> None:
    lines = (
        BackLine("orders", "", 3, 1, 4 * HOUR, (("key expired", 2), ("shop closed", 1))),
        BackLine("sync", "shop rome", 2, 0, HOUR),
    )
    assert rows("Came back", replace(SAMPLE, came_back=lines)) == [
        ("orders", "key expired (2×) · shop closed", "3 (was 1)", "4 h"),
        ("sync: shop rome", "no cause written", "2 (was 0)", "1 h"),
    ]


@pytest.mark.parametrize(("useful", "said"), [(0, "0 %"), (1, "33 %"), (2, "66 %"), (3, "100 %")])
def test_useful_is_a_share_of_what_fired_never_rounded_up(useful: int, said: str) -> None:
    line = NoiseLine("orders", 3, 3, useful, 0, "keep it")
    assert rows("Noisiest rules", replace(SAMPLE, noisy=(line,)))[0][-1] == said


def test_a_shift_with_more_than_two_incidents_is_named() -> None:
    begun = datetime(2025, 6, 6, 16, tzinfo=UTC)
    lines = (LoadLine("ana", 5, 1, 0, 3, begun), LoadLine("raj", 2, 0, 1, 2, begun))
    assert rows("Load per person", replace(SAMPLE, people=lines)) == [
        (
            "ana",
            "1 page off hours · 3 incidents in the shift from Fri 6 Jun 18:00, more than 2",
            "5",
            "0",
        ),
        ("raj", "", "2", "1"),
    ]


def test_what_nobody_took_stands_below_the_people() -> None:
    assert section("Load per person").note == "1 incident taken by nobody."
    assert section("Load per person", replace(SAMPLE, not_taken=0)).note == ""


def test_an_action_says_who_by_when_and_how_late() -> None:
    assert rows("Open preventive actions") == [
        ("Alert 14 days before API keys expire", "tom · #1017 · 10 days late", "30 May"),
        ("Retry the shop's 502 three times", "raj · #1033", "20 Jun"),
    ]


def test_statistics_show_two_figures_and_the_others_below_them() -> None:
    shown = section("Syncs of repositories")
    assert shown.columns == ("Day", "Total", "Successful")
    assert len(shown.lines) == 7
    assert rows("Syncs of repositories")[0] == (
        "Mon 2 Jun",
        "issues 4,410 · issues per sync 37.4",
        "118",
        "116",
    )


def test_statistics_read_as_a_report_has_them() -> None:
    columns = ("MRR", "p95_ms", "ARPU", "per_sync")
    kept = ((date(2025, 6, 2), (1200.0, 0.25, 3.0, -0.04)),)
    part = StatisticsPart("Money", columns, kept)
    summary = replace(SAMPLE, statistics=(part,))
    assert section("Money", summary).columns == ("Day", "MRR", "P95 ms")
    assert rows("Money", summary) == [("Mon 2 Jun", "ARPU 3 · per sync 0", "1,200", "0.2")]


def test_a_day_that_was_not_kept_is_no_zero() -> None:
    part = StatisticsPart(
        "Runs", ("total",), ((date(2025, 6, 2), (0.0,)), (date(2025, 6, 3), (None,)))
    )
    shown = rows("Runs", replace(SAMPLE, statistics=(part,)))
    assert [one[-1] for one in shown] == ["0", "–"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (DayLine(date(2025, 6, 2), 0), "0"),
        (DayLine(date(2025, 6, 2), 3), "3"),
        (DayLine(date(2025, 6, 2), 3, 3), "3, 3 at night"),
    ],
)
def test_the_night_is_said_as_a_number(line: DayLine, said: str) -> None:
    assert day_words(line) == said


def test_one_late_action_is_decided_about_and_the_others_are_counted() -> None:
    late = ActionLine(1, "Rotate keys", "raj", date(2025, 6, 8), 1)
    summary = replace(SAMPLE, actions=(late, replace(late, id=2)), noisy=(), gaps=())
    [line] = decisions(summary)
    assert (line.head, line.detail) == (
        "Overdue: Rotate keys",
        "raj, due 8 Jun (1 day late), #1, and 1 more",
    )


def test_one_gap_is_decided_about_and_the_others_of_its_team_are_counted() -> None:
    first = GapLine("data", "ana", SAMPLE.at, SAMPLE.at + 2 * HOUR)
    others = (replace(first, starts_at=SAMPLE.at + 9 * HOUR), replace(first, team="shop"))
    summary = replace(SAMPLE, actions=(), noisy=(), gaps=(first, *others))
    [line] = decisions(summary)
    assert line.head == "data has nobody on call from Mon 9 Jun 08:30 to Mon 9 Jun 10:30"
    assert line.detail.endswith("add a turn or a cover (1 more in that week)")


@settings(max_examples=20, deadline=None)
@given(any_summaries())
def test_sections_are_never_empty_and_never_longer_than_agreed(summary: Summary) -> None:
    for one in (*sections_above(summary), *sections_below(summary)):
        assert one.lines
        assert len(one.lines) <= (7 if one.columns[:1] == ("Day",) else ROWS_MAX)
        assert all(len(line.cells) <= len(one.columns[1:]) for line in one.lines)
    assert len(decisions(summary)) <= 3


counts = st.integers(0, 10**6)


@given(st.lists(st.tuples(counts, counts), max_size=9))
def test_bars_fit_beside_their_words(days: list[tuple[int, int]]) -> None:
    lines = tuple(DayLine(SAMPLE.monday, by_day + by_night, by_night) for by_day, by_night in days)
    for one in bars(replace(SAMPLE, days=lines)):
        assert 0 <= one.by_day <= 100
        assert one.by_day + one.by_night <= 101  # both are rounded


def test_what_a_reader_can_add_up_agrees() -> None:
    taken = sum(int(one[2]) for one in rows("Load per person"))
    nights = sum(int(one[3]) for one in rows("Load per person"))
    assert sum(one.count for one in bars(SAMPLE)) == SAMPLE.counted.incidents
    assert taken + SAMPLE.not_taken == SAMPLE.counted.incidents
    assert nights == SAMPLE.counted.night_pages
    assert sum(one.before for one in SAMPLE.days) == SAMPLE.before.incidents


@pytest.mark.parametrize(("days", "is_said"), [(7, False), (8, True), (40, True)])
def test_what_may_have_changed_since_the_week_says_when_it_was_counted(
    days: int, is_said: bool
) -> None:
    at = datetime.combine(SAMPLE.monday, time(6, 30), UTC) + timedelta(days=days)
    later = replace(SAMPLE, at=at)
    shown = [one.title for one in (*sections_above(later), *sections_below(later))]
    dated = [one.partition(", as of ")[0] for one in shown if ", as of " in one]
    assert dated == ["Please decide", "Still open", "Open preventive actions"] * is_said


@pytest.mark.parametrize(
    ("zone", "hour", "is_said"),
    [
        ("America/Los_Angeles", 30, False),  # Tuesday 6:00 in UTC is Monday 23:00 there
        ("Asia/Tokyo", 20, True),  # Monday 20:00 in UTC is Tuesday 5:00 there
    ],
)
def test_the_day_on_which_a_week_is_told_is_that_of_its_zone(
    zone: str, hour: int, is_said: bool
) -> None:
    told_on = datetime.combine(SAMPLE.monday, time(), UTC) + timedelta(days=7)
    told = replace(SAMPLE, zone=zone, at=told_on + timedelta(hours=hour))
    assert any(", as of " in one.title for one in sections_above(told)) == is_said


@pytest.mark.parametrize(
    ("parts", "note"),
    [
        (5, ""),
        (6, "The page of the week has 1 more such table."),
        (9, "The page of the week has 4 more such tables."),
    ],
)
def test_figures_that_a_mail_leaves_out_are_on_the_page(parts: int, note: str) -> None:
    [part] = SAMPLE.statistics
    kept = tuple(replace(part, title=f"Part {number}") for number in range(parts))
    summary = replace(SAMPLE, statistics=kept)
    in_mail = [one for one in sections_below(summary) if one.title.startswith("Part ")]
    assert (len(in_mail), in_mail[-1].note) == (5, note)
    on_page = [one for one in sections_below(summary, 50) if one.title.startswith("Part ")]
    assert (len(on_page), on_page[-1].note) == (parts, "")
