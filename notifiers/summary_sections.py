"""The sections of the weekly summary: what to decide, rows of what happened, and the days. Pure."""

from dataclasses import dataclass, replace
from datetime import timedelta

from notifiers.clean import cut, one_line
from notifiers.report import label
from notifiers.summary import (
    DayLine,
    GapLine,
    LoadLine,
    NoiseLine,
    StatisticsPart,
    Summary,
)
from notifiers.times import day_and_clock, day_of, said_span, short_day, weekday, weekday_and_day

ROWS_MAX = 5
SHIFT_MAX = 2
"""Incidents of a shift: more are too many for one person."""

_HEAD_MAX, _DETAIL_MAX, _CELL_MAX, _NAME_MAX = 90, 140, 20, 30
_DAYS_MAX = 7


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a section: what, the details below it, and its figures at the right.

    Attributes:
        path: Where it leads to, below the base of all links; empty for nowhere.
    """

    head: str
    detail: str = ""
    cells: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the summary.

    Attributes:
        columns: Words above the rows, the first one above what they are; none for a list.
        note: A sentence below the rows.
        more: How many rows there are that are not among `lines`.
        path: Where all of them are.
    """

    title: str
    lines: tuple[Line, ...]
    columns: tuple[str, ...] = ()
    note: str = ""
    more: int = 0
    path: str = ""

    def cut_to(self, rows_max: int) -> "Section":
        """Return it with so many rows at most."""
        left = max(0, len(self.lines) - rows_max)
        return replace(self, lines=self.lines[:rows_max], more=self.more + left)


@dataclass(frozen=True, slots=True)
class Bar:
    """A day: parts of the fullest day by day and by night, of 100, and both in words.

    Attributes:
        count: Its incidents; `at_night`: those of the night.
    """

    day: str
    by_day: int
    by_night: int
    words: str
    count: int
    at_night: int


def page(summary: Summary) -> str:
    """Return where all of the week is shown, below the base of all links."""
    return f"/week/{summary.name}"


def decisions(summary: Summary) -> tuple[Line, ...]:
    """Return what somebody has to decide, at most three: an action, a rule, a gap."""
    found = (_late_action(summary), _noisiest(summary), _gap(summary))
    return tuple(one for one in found if one is not None)


def _late_action(summary: Summary) -> Line | None:
    late = [one for one in summary.actions if one.days_late]
    if not late:
        return None
    one = late[0]
    more = f", and {len(late) - 1} more" if len(late) > 1 else ""
    due = f"due {short_day(one.due_on)} ({_late(one.days_late)})"
    return _line(
        f"Overdue: {one.words}", f"{one.owner}, {due}, #{one.id}{more}", path=f"/i/{one.id}"
    )


def _noisiest(summary: Summary) -> Line | None:
    one = next((line for line in summary.noisy if _is_vain(line)), None)
    if one is None:
        return None
    vain = one.fired - one.needed
    return _line(
        f"{one.rule} fired {one.fired} times, {vain} of them for nothing",
        one.advice,
        path=page(summary),
    )


def _is_vain(one: NoiseLine) -> bool:
    """Return whether a rule pages in vain often enough to do something about it, and what is known."""
    return bool(one.advice) and one.noise > 0 and one.fired - one.needed >= 2


def _gap(summary: Summary) -> Line | None:
    if not summary.gaps:
        return None
    one = summary.gaps[0]
    same = sum(gap.team == one.team for gap in summary.gaps) - 1
    more = f" ({same} more in that week)" if same else ""
    return _line(
        f"{one.team} has nobody on call from {_gap_words(one, summary.zone)}",
        f"only the lead, {one.lead}, answers: add a turn or a cover{more}",
    )


def _gap_words(one: GapLine, zone: str) -> str:
    return f"{day_and_clock(one.starts_at, zone)} to {day_and_clock(one.ends_at, zone)}"


def bars(summary: Summary) -> tuple[Bar, ...]:
    """Return the days of the week as bars."""
    days = summary.days[:_DAYS_MAX]
    fullest = max((one.incidents for one in days), default=0) or 1
    return tuple(
        Bar(
            weekday(one.day),
            round(100 * (one.incidents - one.at_night) / fullest),
            round(100 * one.at_night / fullest),
            day_words(one),
            one.incidents,
            one.at_night,
        )
        for one in days
    )


def day_words(one: DayLine) -> str:
    """Return how many incidents a day had, and how many of them by night."""
    return f"{one.incidents}, {one.at_night} at night" if one.at_night else str(one.incidents)


def sections_above(summary: Summary, rows_max: int = ROWS_MAX) -> tuple[Section, ...]:
    """Return the sections that stand above the days; empty ones are left out."""
    parts = (
        _decisions_section(summary),
        _open_section(summary),
        _back_section(summary),
        _noise_section(summary),
    )
    return tuple(one.cut_to(rows_max) for one in parts if one.lines)


def sections_below(summary: Summary, rows_max: int = ROWS_MAX) -> tuple[Section, ...]:
    """Return the sections that stand below the days; empty ones are left out."""
    parts = (_load_section(summary), _actions_section(summary), _unseen_section(summary))
    kept = [found for one in summary.statistics if (found := _statistics_section(one)).lines]
    left = len(kept) - rows_max
    if left > 0:
        kept[rows_max - 1] = replace(kept[rows_max - 1], note=_more_figures(left))
    shown = (*(one.cut_to(rows_max) for one in parts), *kept[:rows_max])
    return tuple(one for one in shown if one.lines)


def _more_figures(left: int) -> str:
    return f"The page of the week has {count_of(left, 'more such table')}."


def _decisions_section(summary: Summary) -> Section:
    numbered = enumerate(decisions(summary), start=1)
    lines = (replace(one, head=f"{number}. {one.head}") for number, one in numbered)
    return Section(_as_of("Please decide", summary), tuple(lines))


def _open_section(summary: Summary) -> Section:
    lines = [
        _line(
            one.title,
            f"#{one.id} · {one.severity} · {one.state} · owner {one.owner}",
            said_span(one.open_for),
            path=f"/i/{one.id}",
        )
        for one in summary.still_open
    ]
    more = max(0, summary.open_total - len(lines))
    title = _as_of("Still open", summary)
    return Section(title, tuple(lines), ("Incident", "Open for"), more=more, path="/")


def _as_of(title: str, summary: Summary) -> str:
    """Return the title of what may have changed since the week, with when it was counted."""
    if day_of(summary.at, summary.zone) <= summary.monday + timedelta(days=7):
        return title
    return f"{title}, as of {day_and_clock(summary.at, summary.zone)}"


def _back_section(summary: Summary) -> Section:
    lines = [
        _line(
            f"{one.rule}: {one.entity}" if one.entity else one.rule,
            " · ".join(f"{cause} ({times}×)" if times > 1 else cause for cause, times in one.causes)
            or "no cause written",
            f"{one.times} (was {one.before})",
            said_span(one.bad_for),
        )
        for one in summary.came_back
    ]
    columns = ("Rule", "Times", "Bad for")
    return Section("Came back", tuple(lines), columns, path=page(summary))


def _noise_section(summary: Summary) -> Section:
    lines = [
        _line(
            one.rule,
            f"{one.needed} of {one.fired} needed a person"
            + (f" · {one.advice}" if one.advice else ""),
            str(one.fired),
            f"{100 * one.useful // one.fired} %",
        )
        for one in summary.noisy
        if one.fired
    ]
    columns = ("Rule", "Fired", "Useful")
    return Section("Noisiest rules", tuple(lines), columns, path=page(summary))


def _load_section(summary: Summary) -> Section:
    lines = [
        _line(one.person, _load_words(one, summary.zone), str(one.taken), str(one.night_pages))
        for one in summary.people
    ]
    note = (
        f"{count_of(summary.not_taken, 'incident')} taken by nobody." if summary.not_taken else ""
    )
    columns = ("Person", "Taken", "Night pages")
    return Section("Load per person", tuple(lines), columns, note, path=page(summary))


def _load_words(one: LoadLine, zone: str) -> str:
    words = []
    if one.off_hours_pages:
        words.append(f"{count_of(one.off_hours_pages, 'page')} off hours")
    if one.fullest_shift > SHIFT_MAX and one.shifted_at:
        begun = day_and_clock(one.shifted_at, zone)
        words.append(
            f"{one.fullest_shift} incidents in the shift from {begun}, more than {SHIFT_MAX}"
        )
    return " · ".join(words)


def _actions_section(summary: Summary) -> Section:
    lines = [
        _line(
            one.words,
            f"{one.owner} · #{one.id}" + (f" · {_late(one.days_late)}" if one.days_late else ""),
            short_day(one.due_on),
            path=f"/i/{one.id}",
        )
        for one in summary.actions
    ]
    title = _as_of("Open preventive actions", summary)
    return Section(title, tuple(lines), ("Action", "Due"), path=page(summary))


def _unseen_section(summary: Summary) -> Section:
    lines = tuple(_line(one.what, one.detail) for one in summary.unseen)
    return Section("What we could not see", lines, path=page(summary))


def _statistics_section(part: StatisticsPart) -> Section:
    """Return a day a row: its first two figures at the right, the others below it."""
    names = [cut(one_line(label(one)), _NAME_MAX) for one in part.columns]
    within = [cut(one_line(one).replace("_", " "), _NAME_MAX) for one in part.columns]
    lines = [
        _line(
            weekday_and_day(day),
            " · ".join(
                f"{name} {_figure(value)}"
                for name, value in list(zip(within, values, strict=False))[2:]
                if value is not None
            ),
            *(_figure(value) for value in values[:2]),
        )
        for day, values in part.rows[:_DAYS_MAX]
    ]
    shown = ("Day", *names[:2])
    return Section(cut(one_line(part.title), _HEAD_MAX), tuple(lines), shown)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:z,.1f}".removesuffix(".0")


def _line(head: str, detail: str, *cells: str, path: str = "") -> Line:
    return Line(
        cut(one_line(head), _HEAD_MAX) or "–",
        cut(one_line(detail), _DETAIL_MAX),
        tuple(cut(one_line(one), _CELL_MAX) for one in cells),
        path,
    )


def _late(days: int) -> str:
    return f"{count_of(days, 'day')} late"


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: `1 incident`, `12 incidents`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
