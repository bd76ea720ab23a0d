"""The failures kind against real tables."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rules.base import Kind, Outcome, Severity
from rules.classify import ClassSpec, build_classifier
from tests.postgres import Server
from tests.watched_tables import NATIVE, NOW, STORAGES, Tables, entity, kind_of, tables

ROW = "insert into runs (id, org, status, at, error) values ($1, $2, $3, $4, $5)"


def failures(**more: Any) -> Kind:
    return kind_of(
        "failures",
        **{
            "table": "runs",
            "column": "status",
            "failed": ["failed", "error"],
            "succeeded": ["success"],
            "order_by": "at",
            "error": "error",
        }
        | more,
    )


ALL = failures()
EACH = failures(entity=["org"])


@pytest.fixture(params=list(NATIVE))
async def db(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    async with tables(NATIVE[request.param], postgres_server, tmp_path) as opened:
        await opened.run("create table runs (id int, org text, status text, at $at, error text)")
        opened.classifier = build_classifier(
            {"auth_config": ClassSpec(None, Severity.CRITICAL, in_a_row=1, open_after=1)}
        )
        yield opened


async def write(db: Tables, statuses: str, org: str = "a", error: str = "429") -> None:
    """Write runs from the newest back, a minute apart: `f` failed, `s` success, `r` running."""
    words = {"f": "failed", "s": "success", "r": "running"}
    for number, one in enumerate(statuses):
        said = error if one == "f" else None
        await db.run(ROW, (number, org, words[one], db.ago(minutes=number), said))


@pytest.mark.parametrize("kind", [ALL, EACH])
@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ("", Outcome.NO_DATA),
        ("r", Outcome.NO_DATA),
        ("s", Outcome.OK),
        ("ff", Outcome.OK),
        ("ffs", Outcome.OK),
        ("rffs", Outcome.OK),
        ("sfff", Outcome.OK),
        ("fff", Outcome.BAD),
        ("rfrfrfs", Outcome.BAD),
        ("fsffffff", Outcome.OK),
    ],
)
async def test_only_the_newest_finished_runs_count(
    db: Tables, kind: Kind, statuses: str, outcome: Outcome
) -> None:
    await write(db, statuses)
    assert (await db.judge(kind)).outcome is outcome


async def test_a_finding_knows_how_many_failed_and_since_when(db: Tables) -> None:
    await write(db, "rffffsf", error="rate limit: 429")
    (finding,) = (await db.judge(ALL)).findings
    assert (finding.value, finding.limit) == (4.0, 3.0)
    assert finding.fact == "4 failed in a row (limit 3)"
    assert finding.detail == "The last 4 runs failed, limit 3 in a row."
    assert finding.first_bad_at == NOW - timedelta(minutes=4)
    assert (finding.failure_class, finding.error_text) == ("transient", "rate limit: 429")


async def test_entities_do_not_mix(db: Tables) -> None:
    await write(db, "fsfsfs", "mixed")
    await write(db, "ffff", "bad")
    await write(db, "ssss", "good")
    judgement = await db.judge(EACH, [entity(org="good"), entity(org="mixed"), entity(org="gone")])
    assert [one.entity for one in judgement.findings] == [entity(org="bad")]
    good, mixed = judgement.readings
    assert (good.entity, good.fact) == (entity(org="good"), "last run succeeded")
    assert good.first_good_at == NOW - timedelta(minutes=3)
    assert (mixed.entity, mixed.fact) == (entity(org="mixed"), "last run failed (limit 3)")


async def test_one_failure_of_a_class_may_be_enough(db: Tables) -> None:
    await write(db, "fs", "a", error="401 Unauthorized")
    await write(db, "fs", "b", error="503 Service Unavailable")
    (finding,) = (await db.judge(EACH)).findings
    assert (finding.entity, finding.failure_class) == (entity(org="a"), "auth_config")
    assert (finding.severity, finding.open_after) == (Severity.CRITICAL, 1)
    assert (finding.limit, finding.fact) == (1.0, "last run failed (limit 1)")


async def test_the_newest_error_names_the_class(db: Tables) -> None:
    await write(db, "ff")
    await db.run(ROW, (9, "a", "error", db.ago(minutes=9), "invalid token"))
    (finding,) = (await db.judge(ALL)).findings
    assert finding.failure_class == "transient"


async def test_a_success_at_the_same_instant_counts(db: Tables) -> None:
    at = db.ago(minutes=1)
    runs = [("a", "failed", at), ("a", "failed", at), ("a", "success", at), ("a", "failed", at)]
    await db.run(ROW, *((1, org, status, when, None) for org, status, when in runs))
    assert (await db.judge(ALL)).outcome is Outcome.OK
    assert (await db.judge(EACH)).outcome is Outcome.OK


async def test_runs_may_be_ordered_by_a_number(db: Tables) -> None:
    await db.run(ROW, *((n, "a", "failed" if n > 5 else "success", None, None) for n in range(9)))
    (finding,) = (await db.judge(failures(order_by="id"))).findings
    assert (finding.value, finding.first_bad_at) == (3.0, None)


async def test_runs_without_an_order_are_skipped(db: Tables) -> None:
    await write(db, "sss")
    await db.run(ROW, *((n, "a", "failed", None, None) for n in range(5)))
    assert (await db.judge(ALL)).outcome is Outcome.OK


async def test_very_many_failures_are_counted_to_a_thousand(db: Tables) -> None:
    await db.run(ROW, *((n, "a", "failed", db.ago(minutes=n), None) for n in range(1100)))
    (finding,) = (await db.judge(ALL)).findings
    assert finding.fact == "1,000+ failed in a row (limit 3)"


async def test_a_long_error_is_cut(db: Tables) -> None:
    await write(db, "fff", error="xx\n" * 100_000)
    (finding,) = (await db.judge(ALL)).findings
    assert len(finding.error_text) == 500
    assert "\n" not in finding.error_text


async def test_statuses_may_be_of_any_type(postgres_server: Server, tmp_path: Path) -> None:
    async with tables(STORAGES["postgres"], postgres_server, tmp_path) as db:
        await db.run("create type state as enum ('failed', 'success', 'running')")
        await db.run("create domain word as text check (value <> '')")
        await db.run("create table runs (id uuid, org uuid, status state, error word, ok boolean)")
        await db.run(
            "insert into runs select gen_random_uuid(), md5('a')::uuid, 'failed', 'x', false"
            " from generate_series(1, 3)"
        )
        judgement = await db.judge(failures(order_by="id", failed="failed", entity="org"))
        (finding,) = judgement.findings
        assert finding.entity == entity(org="0cc175b9-c0f1-b6a8-31c3-99e269772661")
        flags = failures(order_by="id", column="ok", failed=False, succeeded=True, error=None)
        assert (await db.judge(flags)).outcome is Outcome.BAD


@pytest.mark.parametrize("each", [True, False])
async def test_a_row_that_is_overwritten_is_counted_by_its_changes(db: Tables, each: bool) -> None:
    settings = {"of": "changes", "changed": "at", "bad": "status = 'failed'", "error": "error"}
    kind = kind_of("failures", table="runs", **settings, **({"entity": "org"} if each else {}))
    assert (await db.judge(kind)).outcome is Outcome.NO_DATA
    await db.run(ROW, (1, "a", "failed", db.ago(minutes=30), "429"))
    for minutes in (30, 15, 0):
        assert (await db.judge(kind)).outcome is Outcome.OK
        await db.run("update runs set at = $1", (db.ago(minutes=minutes),))
        last = await db.judge(kind)
    (found,) = last.findings
    assert (found.fact, found.error_text) == ("3 failed in a row (limit 3)", "429")
    assert found.first_bad_at == NOW - timedelta(minutes=30)
    await db.run("update runs set status = 'success', at = $1", (db.ago(minutes=-1),))
    judgement = await db.judge(kind, [found.entity])
    assert [one.fact for one in judgement.readings] == ["last run succeeded"]
    assert db.remembered == {}


async def test_only_runs_within_a_span_count(db: Tables) -> None:
    await write(db, "fff", "young")
    await db.run(ROW, *((one, "old", "failed", db.ago(hours=5 + one), "429") for one in range(3)))
    await db.run(ROW, (9, "old", "success", db.ago(hours=3), None))
    judgement = await db.judge(
        failures(entity=["org"], within="2h"), [entity(org="old"), entity(org="young")]
    )
    assert [one.entity for one in judgement.findings] == [entity(org="young")]
    assert judgement.readings == ()
    longer = await db.judge(failures(entity=["org"], within="4h"), [entity(org="old")])
    assert [one.first_good_at for one in longer.readings] == [NOW - timedelta(hours=3)]


@pytest.mark.parametrize("kind", [ALL, EACH], ids=["all", "each"])
async def test_a_long_streak_counts_whole_beside_short_ones(db: Tables, kind: Kind) -> None:
    await write(db, "f" * 7 + "s", "a")
    if kind is EACH:
        await write(db, "fss", "b")
        await write(db, "sff", "c")
    (finding,) = (await db.judge(kind)).findings
    assert (finding.value, finding.first_bad_at) == (7.0, NOW - timedelta(minutes=6))


def test_only_runs_of_their_own_can_be_young() -> None:
    with pytest.raises(ValidationError, match="`within` needs `of: runs`"):
        kind_of("failures", table="t", of="changes", changed="at", bad="n > 0", within="1d")
