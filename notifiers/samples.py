"""One incident's life and a report in sample facts: for previews, tests and pictures in the documents."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifiers.base import Event, Facts, Report, ReportPart

_OPENED_AT = datetime(2026, 6, 10, 1, 15, tzinfo=UTC)

_BASE = Facts(
    id=1042,
    event=Event.OPENED,
    at=_OPENED_AT,
    state="open",
    severity="critical",
    title="Orders stopped syncing",
    fact="1h02m old (max 1h)",
    detail="Newest row is 1 h 02 min old, limit 1 h. Last row 02:13 Berlin (00:13 UTC).",
    rule="orders-stale",
    team="data",
    owner="ana",
    owner_took_it=False,
    opened_at=_OPENED_AT,
    failure_class="auth_config",
    entity={"shop": "orders"},
    impact="Shops sell items that are out of stock.",
    do_first="Look at the last sync_runs row; if the error says 401, rotate the shop API key.",
    runbook="https://wiki.example.com/runbooks/orders-stale",
    first_bad_at=_OPENED_AT - timedelta(minutes=2),
    zone="Europe/Berlin",
    url="https://watchdog.example.com/i/1042",
    next_person="raj",
    next_at=_OPENED_AT + timedelta(minutes=10),
    on_call_until=datetime(2026, 6, 15, 8, 0, tzinfo=UTC),
    times=3,
    last_cause="API key expired",
    last_owner="raj",
    last_at=_OPENED_AT - timedelta(days=5),
)

_NEVER_BEFORE: dict[str, Any] = {"times": 1, "last_cause": "", "last_owner": "", "last_at": None}
_NOBODY_NEXT: dict[str, Any] = {"next_person": "", "next_at": None}
_TAKEN: dict[str, Any] = _NOBODY_NEXT | {
    "state": "taken",
    "owner_took_it": True,
    "taken_at": _OPENED_AT + timedelta(minutes=4),
}
_RECOVERED: dict[str, Any] = _TAKEN | {
    "state": "recovered",
    "recovered_at": _OPENED_AT + timedelta(minutes=73),
    "first_good_at": _OPENED_AT + timedelta(minutes=70),
}


def _next_after(minutes: int, person: str = "raj") -> dict[str, Any]:
    return {"next_person": person, "next_at": _OPENED_AT + timedelta(minutes=minutes)}


_TOM_NEXT = _next_after(25, "tom")

_STORM: dict[str, Any] = _NEVER_BEFORE | {
    "id": 1050,
    "bad_members": 14,
    "title": "source main",
    "rule": "storm:main",
    "failure_class": "",
    "entity": {},
    "detail": (
        "14 incidents, all of source main: likely one cause, told once. "
        "Critical 3: Main database does not answer, Orders stopped syncing, Shops cannot log in. "
        "Warning 11: Mail is piling up, Invoices are late, Backups are old, A job hangs +7 more. "
        "First: Main database does not answer (03:11 Berlin)."
    ),
    "do_first": "See whether the database server answers; if not, restart it before anything else.",
    "impact": "Nothing that needs the main database works.",
    "runbook": "https://wiki.example.com/runbooks/main-database",
    "url": "https://watchdog.example.com/i/1050",
}

_CHANGES: dict[Event, tuple[int, dict[str, Any]]] = {
    Event.OPENED: (0, {}),
    Event.LEVEL: (
        0,
        {"opened_at": _OPENED_AT - timedelta(minutes=32), "previous_severity": "warning"},
    ),
    Event.TAKEN: (4, _TAKEN | {"actor": "ana", "words": "after 4m"}),
    Event.OFFERED: (
        50,
        _TAKEN | {"actor": "ana", "words": "ana → raj: key rotated, resync runs, watch it finish"},
    ),
    Event.DECLINED: (
        54,
        _TAKEN | {"actor": "raj", "words": "raj does not take it from ana: I have no access there"},
    ),
    Event.HANDED_OVER: (
        52,
        _TAKEN
        | {
            "actor": "raj",
            "owner": "raj",
            "words": "ana → raj",
            "taken_at": _OPENED_AT + timedelta(minutes=52),
        },
    ),
    Event.ESCALATED: (
        10,
        _TOM_NEXT | {"owner": "raj", "words": "ana silent 10m, now raj (2/3)"},
    ),
    Event.SNOOZED: (30, _TAKEN | {"actor": "ana", "words": "no reminder for 2h"}),
    Event.MISSED: (0, _TOM_NEXT | {"owner": "raj", "words": "ana in Do Not Disturb, now raj"}),
    Event.EXHAUSTED: (40, _NOBODY_NEXT | {"owner": "tom", "words": "nobody took it in 40m"}),
    Event.EXPIRED: (34, _next_after(44) | {"words": "ana silent for 30m"}),
    Event.LAPSED: (80, _TAKEN | {"words": "raj did not take it from ana"}),
    Event.GIVEN_BACK: (
        40,
        _next_after(50, "tom")
        | {"actor": "ana", "owner": "raj", "words": "ana → raj: my train has no network"},
    ),
    Event.NOTED: (20, _TAKEN | {"actor": "ana", "words": "API key expired, asked the shop"}),
    Event.ACTION_ASKED: (
        22,
        _TAKEN | {"actor": "ana", "words": "Start a sync by hand: the last run died with its host"},
    ),
    Event.ACTION_BEGUN: (
        24,
        _TAKEN | {"actor": "raj", "words": "Start a sync by hand: approved, asked for by ana"},
    ),
    Event.ACTION_RAN: (
        24,
        _TAKEN | {"actor": "ana", "words": "Start a sync by hand: done, the answer was 202"},
    ),
    Event.NOT_ACTIONABLE: (
        20,
        _TAKEN | {"actor": "ana", "words": "false positive: the shop is closed on this day"},
    ),
    Event.STILL_OPEN: (190, _TAKEN | {"words": "3h10m, note 3h ago"}),
    Event.RECOVERED: (
        73,
        _RECOVERED | {"words": "Newest row is 2 min old, limit 1 h (3 good checks in a row)"},
    ),
    Event.BACK_AGAIN: (
        93,
        _next_after(103) | {"words": "20m after it recovered: 1h02m old (max 1h)"},
    ),
    Event.REOPENED: (
        85,
        _TAKEN | {"actor": "ana", "words": "customers still see no stock", "ends_by_hand": True},
    ),
    Event.CAUSE_ASKED: (585, _RECOVERED | {"words": "what stops it next time?"}),
    Event.RESOLVED: (
        91,
        _RECOVERED
        | {
            "actor": "ana",
            "state": "resolved",
            "cause": "Shop API key expired",
            "cause_kind": "config",
            "words": "Shop API key expired",
            "prevention": "Warn two weeks before a key expires (alerting; ana, due 2026-06-24)",
        },
    ),
    Event.ACTION_LATE: (
        21645,
        _RECOVERED
        | {
            "state": "resolved",
            "cause": "Shop API key expired",
            "cause_kind": "config",
            "words": "ana, due 2026-06-24: Warn two weeks before a key expires",
        },
    ),
    Event.ACTION_DONE: (
        9000,
        _RECOVERED
        | {
            "actor": "ana",
            "state": "resolved",
            "cause": "Shop API key expired",
            "cause_kind": "config",
            "words": "Warn two weeks before a key expires",
        },
    ),
    Event.WITHDRAWN: (
        30,
        _NOBODY_NEXT
        | {
            "state": "resolved",
            "words": "rule orders-stale was removed",
            "cause_kind": "withdrawn",
        },
    ),
    Event.STORM: (0, _STORM | {"fact": "14 incidents at once, 3 critical"}),
    Event.MEMBERS: (
        9,
        _STORM
        | {
            "bad_members": 11,
            "fact": "11 of 16 bad, 1 critical",
            "detail": _STORM["detail"].replace("14 incidents", "11 of 16 are bad"),
        },
    ),
    Event.JOINED: (
        2,
        _NOBODY_NEXT
        | {"state": "resolved", "words": "part of storm #1050", "cause_kind": "joined"},
    ),
    Event.SPLIT: (
        12,
        _STORM
        | {
            "actor": "ana",
            "next_at": _OPENED_AT + timedelta(minutes=22),
            "bad_members": 13,
            "fact": "13 incidents, 3 critical",
            "words": "Orders stopped syncing is #1061 now",
        },
    ),
    Event.FLAPPING: (60, {"words": "6 times in 1h"}),
    Event.SILENCED: (
        2,
        _NOBODY_NEXT | {"actor": "raj", "words": "by raj until 18:00 Berlin: deploy"},
    ),
    Event.RELEASED: (190, _next_after(200) | {"words": "its silence has ended"}),
    Event.SILENCE_ENDS: (175, _NOBODY_NEXT | {"words": "ends in 15m, 3 still bad"}),
    Event.TEST: (
        0,
        {
            "id": 0,
            "severity": "info",
            "title": "Watchdog test message",
            "fact": "you can be reached here",
            "detail": "If you can read this, pages for you arrive here.",
            "failure_class": "",
            "rule": "",
            "impact": "",
            "do_first": "",
            "runbook": "",
            "url": "https://watchdog.example.com",
            **_NOBODY_NEXT,
            **_NEVER_BEFORE,
        },
    ),
}


def sample(event: Event) -> Facts:
    """Return sample facts for the event: always the same, the incident that the documents tell of."""
    minutes, changes = _CHANGES[event]
    return replace(_BASE, event=event, at=_OPENED_AT + timedelta(minutes=minutes), **changes)


def sample_report() -> Report:
    """Return a sample report: always the same, with a part of each sort."""
    due_at = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    totals = (
        ("Repositories", "120"),
        ("Successful", "113"),
        ("Failed", "7"),
        ("Average hours since sync", "5.4"),
    )
    overdue = (
        ("acme/storefront", "acme", "31.5", "401: bad credentials"),
        ("acme/mobile-app-for-couriers", "acme", "12", "rate limit exceeded"),
        ("globex/ledger", "globex", "8.3", "–"),
    )
    return Report(
        name="issues-morning",
        title="Issues this morning",
        team="data",
        at=due_at + timedelta(seconds=2),
        due_at=due_at,
        parts=(
            ReportPart("Repositories", figures=totals),
            ReportPart(
                "Most overdue",
                columns=("Repository", "Workspace", "Hours overdue", "Last error"),
                rows=overdue,
            ),
            ReportPart("Given up", columns=("Repository", "Attempts")),
            ReportPart("Queues", trouble="desk_db does not answer within 5 s"),
        ),
        zone="Europe/Berlin",
        url="https://watchdog.example.com",
    )


def sample_handover() -> Report:
    """Return what somebody reads who comes on call: always the same; its channel has no parts."""
    at = datetime(2025, 6, 2, 8, 0, tzinfo=UTC)
    return Report(
        name="hand-over",
        title="data",
        team="data",
        at=at,
        due_at=at,
        parts=(
            ReportPart(
                "Open now",
                columns=("incident", "level", "owner", "since"),
                rows=(("#1051 Orders stopped syncing", "critical", "ana, not taken", "09:13"),),
            ),
            ReportPart(
                "Delivery test",
                columns=("way", "result"),
                rows=(("email to raj@example.com", "delivered"),),
            ),
        ),
        zone="Europe/Berlin",
        url="https://watchdog.example.com",
        word="ON CALL",
        fact="raj until Mon 9 Jun 10:00 (then mei) · 1 open: #1051",
    )
