"""What the packs make of answers: of endpoints, whatever is wrong with them, and of backups."""

import functools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rules.base import Answer, Context, HttpFailure, HttpReply, Judgement, Rows, SqlQuestion
from tests.postgres import NIGHT
from tests.unit.test_packs import used
from watchdog.config.model import Rule
from watchdog.store.text import json_text

MB, DAY = 1_000_000, timedelta(days=1)
SILENT = HttpFailure("timeout", "No answer within 2 s.")
HEALTHY = {
    "status": "ok", "database": "ok", "email_queue_pending": 100, "email_queue_failed": 50,
}  # fmt: skip
READY = {"status": "ok", "alembic_revision": "a41c"}
SYNCED = {"active": True, "errors": 10}
CUSTOMER = {"customer": {"id": 7}}
LISTED: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "support_desk-not-ready": ({"version_num": "a41c"},),
    "background_sync-status-endpoint": ({"organization_id": "acme"},),
    "servicetitan_sync-credentials": ({"workspace_id": "w", "tenant_id": 9},),
    "servicetitan_sync-workflow-ended": ({"workspace_id": "w", "instance_id": "i"},),
}
"""What the database says that a rule asks before it probes."""


@functools.cache
def rule_of(name: str) -> Rule:
    """Return a rule of a pack that is used with nothing but what it needs."""
    config = used(name.partition("-")[0]).config
    assert config is not None
    return config.rules[name]


def replied(body: object = None, status: int = 200, ms: int = 5, text: str = "") -> HttpReply:
    content = text or json_text(body)
    return HttpReply(status, content.encode(), took=timedelta(milliseconds=ms))


def judged(name: str, answer: Answer) -> Judgement:
    """Return what a rule makes of an answer; its database has said what it lists."""
    rule = rule_of(name)
    context = Context(NIGHT, severity=rule.severity, dialect=rule.dialect)
    answers: tuple[tuple[Answer, ...], ...] = ()
    while questions := rule.kind.ask(context, answers):
        listed = Rows(LISTED.get(name, ()))
        answers += (tuple(listed if isinstance(q, SqlQuestion) else answer for q in questions),)
    return rule.kind.judge(context, answers)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("support_desk-api-down", SILENT),
        ("support_desk-api-down", replied(HEALTHY, 503)),
        ("support_desk-api-down", replied(text="<p>nginx</p>")),
        ("support_desk-degraded", replied({**HEALTHY, "status": "degraded"})),
        ("support_desk-degraded", replied({**HEALTHY, "database": "down"})),
        ("support_desk-degraded", replied({**HEALTHY, "email_queue_pending": 101})),
        ("support_desk-degraded", replied({**HEALTHY, "email_queue_failed": 51})),
        ("support_desk-not-ready", replied(READY, 503)),
        ("support_desk-not-ready", replied({**READY, "alembic_revision": "b773"})),
        ("support_desk-not-ready", replied({"status": "ok"})),
        ("background_sync-status-endpoint", SILENT),
        ("background_sync-status-endpoint", replied(SYNCED, 500)),
        ("background_sync-status-endpoint", replied({**SYNCED, "errors": 11})),
        ("background_sync-status-endpoint", replied({**SYNCED, "active": False})),
        ("servicetitan_sync-credentials", replied(CUSTOMER, 401)),
        ("servicetitan_sync-credentials", replied({"customer": {"id": None}})),
        ("servicetitan_sync-credentials", replied({"error": "invalid_grant"})),
        ("servicetitan_sync-workflow-ended", replied({"status": "Errored"})),
        ("servicetitan_sync-workflow-ended", replied({"status": "Terminated"})),
    ],
)
def test_what_is_wrong_with_an_answer_is_found(name: str, answer: Answer) -> None:
    [found] = judged(name, answer).findings
    assert found.severity is rule_of(name).severity


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("support_desk-api-down", replied({**HEALTHY, "status": "degraded"})),
        ("support_desk-degraded", replied(HEALTHY)),
        ("support_desk-not-ready", replied(READY)),
        ("background_sync-status-endpoint", replied(SYNCED)),
        ("servicetitan_sync-credentials", replied(CUSTOMER)),
        ("servicetitan_sync-workflow-ended", replied({"status": "Running"})),
        ("servicetitan_sync-workflow-ended", replied({"status": "Complete"})),
    ],
)
def test_an_answer_that_is_just_right_is_none(name: str, answer: Answer) -> None:
    found = judged(name, answer)
    assert (found.findings, found.unknown) == ((), ())


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("support_desk-api-down", 2),
        ("background_sync-status-endpoint", 5),
        ("servicetitan_sync-credentials", 5),
    ],
)
def test_an_answer_may_not_take_longer_than_this(name: str, seconds: int) -> None:
    rule = rule_of(name)
    context = Context(NIGHT, dialect=rule.dialect)
    [question] = rule.kind.ask(context, ((Rows(LISTED[name]),),) if name in LISTED else ())
    assert getattr(question, "within") == timedelta(seconds=seconds)  # noqa: B009 (of HTTP alone)


def backups(newest: int, age: timedelta) -> Rows:
    """Return a week of backups of 100 MB and one more, of so many bytes and so old."""
    earlier = [(NIGHT - age - n * DAY, 100 * MB) for n in range(1, 8)]
    files = [(NIGHT - age, newest), *earlier]
    return Rows(
        [
            {"path": f"/b/{n}", "at": at.timestamp(), "size": size}
            for n, (at, size) in enumerate(files)
        ]
    )


@pytest.mark.parametrize(
    ("newest", "hours", "is_bad"),
    [(100 * MB, 25, False), (100 * MB, 27, True), (51 * MB, 5, False), (49 * MB, 5, True)],
)
def test_a_backup_may_be_neither_old_nor_far_smaller_than_usual(
    newest: int, hours: int, is_bad: bool
) -> None:
    found = judged("support_desk-backup-old", backups(newest, timedelta(hours=hours)))
    assert bool(found.findings) is is_bad


def test_runs_that_fetch_nothing_excuse_old_tickets_for_half_a_day_at_most() -> None:
    assert rule_of("zendesk_sync-tickets-stale").policy.unless_at_most == timedelta(hours=12)
