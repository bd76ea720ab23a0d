"""A week in sample figures: for previews, tests and pictures in the documents."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from notifiers.summary import (
    ActionLine,
    BackLine,
    Counted,
    DayLine,
    GapLine,
    LoadLine,
    NoiseLine,
    OpenLine,
    StatisticsPart,
    Summary,
    UnseenLine,
)

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_MONDAY = date(2025, 6, 2)
_SATURDAY_NIGHT = datetime(2025, 6, 14, 20, tzinfo=UTC)
_FRIDAY = datetime(2025, 6, 6, 16, tzinfo=UTC)


def quiet_summary() -> Summary:
    """Return a week in which nothing happened."""
    return Summary(
        report="weekly",
        teams=("data", "support"),
        year=2025,
        week=23,
        monday=_MONDAY,
        at=datetime(2025, 6, 9, 6, 30, tzinfo=UTC),
        zone="Europe/Berlin",
        counted=Counted(),
        before=Counted(incidents=2, mtta=4 * _MINUTE, mttr=30 * _MINUTE, night_pages=1),
        rules=143,
        unlooked=0,
        days=tuple(DayLine(_MONDAY + number * _DAY, 0) for number in range(7)),
        url="https://watchdog.example.com",
        title="Week 23",
    )


def sample_summary() -> Summary:
    """Return a week with a bit of everything: always the same, the one that the documents show."""
    return replace(
        quiet_summary(),
        counted=Counted(
            12, 6 * _MINUTE, 41 * _MINUTE, 38 * _MINUTE, 3 * _HOUR + 5 * _MINUTE, night_pages=4
        ),
        before=Counted(
            17, 9 * _MINUTE, 38 * _MINUTE, 52 * _MINUTE, _HOUR + 10 * _MINUTE, night_pages=6
        ),
        unlooked=41,
        not_taken=1,
        worst_day=_MONDAY + 5 * _DAY,
        still_open=(
            OpenLine(1051, "Zendesk stopped loading", "warning", "taken", "mei", 28 * _HOUR),
        ),
        open_total=1,
        came_back=_came_back(),
        noisy=_noisy(),
        days=_days(),
        people=_people(),
        actions=(
            ActionLine(1017, "Alert 14 days before API keys expire", "tom", date(2025, 5, 30), 10),
            ActionLine(1033, "Retry the shop's 502 three times", "raj", date(2025, 6, 20), 0),
        ),
        gaps=(GapLine("support", "tom", _SATURDAY_NIGHT, _SATURDAY_NIGHT + 4 * _HOUR),),
        unseen=_unseen(),
        statistics=(_statistics(),),
    )


def _came_back() -> tuple[BackLine, ...]:
    return (
        BackLine("orders-stale", "", 3, 1, 260 * _MINUTE, (("API key expired", 3),)),
        BackLine("sync-keeps-failing", "shop billing", 2, 2, 50 * _MINUTE, (("vendor 502", 1),)),
    )


def _noisy() -> tuple[NoiseLine, ...]:
    return (
        NoiseLine("email-queue-long", 4, 1, 1, 10, "with `for: 10m` it would have fired once"),
        NoiseLine("orders-volume-odd", 2, 1, 1, 1, "look at its limit"),
        NoiseLine("orders-stale", 3, 3, 3, 0, "keep it"),
    )


def _days() -> tuple[DayLine, ...]:
    opened = ((1, 0, 3), (3, 1, 2), (1, 0, 4), (0, 0, 2), (2, 0, 3), (4, 2, 2), (1, 1, 1))
    return tuple(DayLine(_MONDAY + number * _DAY, *one) for number, one in enumerate(opened))


def _people() -> tuple[LoadLine, ...]:
    return (
        LoadLine("ana", 5, 1, 0, 4, _FRIDAY),
        LoadLine("mei", 3, 1, 3),
        LoadLine("raj", 2, 2, 1),
        LoadLine("tom", 1, 0, 0),
    )


def _unseen() -> tuple[UnseenLine, ...]:
    return (
        UnseenLine("Source crm", "could not be looked at for 40 min"),
        UnseenLine("Rule invoices-late", "41 checks were not made or gave no answer"),
        UnseenLine("1 undelivered page", "to tom 1×"),
        UnseenLine("2 rules never fired in 120 days", "backup-old, disk-full"),
    )


def _statistics() -> StatisticsPart:
    kept = ((118, 2, 4410), (120, 0, 4390), (120, 1, 4521), (120, 0, 4302), (119, 0, 4498))
    rows = [
        (
            _MONDAY + number * _DAY,
            (float(total), float(total - failed), float(issues), issues / total),
        )
        for number, (total, failed, issues) in enumerate(kept)
    ]
    lost = [(_MONDAY + number * _DAY, (None, None, None, None)) for number in (5, 6)]
    columns = ("total", "successful", "issues", "issues_per_sync")
    return StatisticsPart("Syncs of repositories", columns, (*rows, *lost))
