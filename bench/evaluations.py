"""Evaluations of rules on PostgreSQL: many rules, and one rule over many entities."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from bench import rulefiles
from bench.machine import Meter
from bench.world import NOW, World, world
from watchdog.config.model import Rule
from watchdog.engine.slots import next_slot
from watchdog.store.pool import transaction

_SLOTS = 60
_TABLES = ("incident", "event", "track", "notification", "attempt", "thread", "rule_look", "member")


async def rules(count: int, *, quick: bool) -> dict[str, float]:
    """Evaluate `count` SQL rules: all at once, and spread over a minute as their slots are."""
    rounds = max(1, (2_000 if quick else 20_000) // count)
    async with world() as watched:
        await watched.watch(rulefiles.sql_rules(count, watched.dsn))
        await watched.engine.evaluate(watched.rules, NOW)  # connects and prepares
        figures = await _at_once(watched, rounds)
        figures["slots_cpu_ms"] = await _by_slots(watched, max(1, rounds // 4))
        started_s = time.perf_counter()
        await watched.engine.flush()
        figures["flush_ms"] = 1000 * (time.perf_counter() - started_s)
    return figures


async def _at_once(watched: World, rounds: int) -> dict[str, float]:
    evaluations = rounds * len(watched.rules)
    before = await _transaction_number(watched)
    meter = Meter.start(watched.server_pid)
    for number in range(rounds):
        await watched.engine.evaluate(watched.rules, NOW + number * timedelta(minutes=1))
    wall_s, ours_s, database_s = meter.read()
    written = await _rows_since(watched, before)
    _all_healthy(watched)
    return {
        "per_second": evaluations / wall_s,
        "cpu_ms": 1000 * ours_s / evaluations,
        "database_cpu_ms": 1000 * database_s / evaluations,
        "writes": written / evaluations,
    }


async def _by_slots(watched: World, rounds: int) -> float:
    """Return the milliseconds of CPU an evaluation when the rules come second by second."""
    slots = _slots(watched.rules, NOW)
    began_s = time.process_time()
    for _ in range(rounds):
        for number, batch in enumerate(slots):
            await watched.engine.evaluate(batch, NOW + timedelta(seconds=number))
    return 1000 * (time.process_time() - began_s) / (rounds * len(watched.rules))


def _slots(every_rule: Sequence[Rule], now: datetime) -> list[list[Rule]]:
    slots: list[list[Rule]] = [[] for _ in range(_SLOTS)]
    for rule in every_rule:
        after = next_slot(rule.name, rule.every, now) - now
        slots[int(after.total_seconds()) % _SLOTS].append(rule)
    return [batch for batch in slots if batch]


async def _transaction_number(watched: World) -> int:
    async with transaction(watched.pool) as conn:
        number: int = await conn.fetchval("select pg_current_xact_id()::text::bigint")
    return number


async def _rows_since(watched: World, number: int) -> int:
    """Return how many rows of the store a later transaction has written; the lease does not count."""
    written = 0
    for table in _TABLES:
        counted = f"select count(*) from {table} where xmin::text::bigint > $1"  # noqa: S608 (ours)
        async with transaction(watched.pool) as conn:
            written += await conn.fetchval(counted, number)
    return written


def _all_healthy(watched: World) -> None:
    assert watched.engine.memory is not None
    looks = watched.engine.memory.looks.values()
    assert all(one.outcome == "ok" for one in looks), "a rule was not healthy"


async def entities(*, quick: bool) -> dict[str, float]:
    """Evaluate one rule over 10,000 entities, all of them healthy."""
    rounds = 20 if quick else 100
    async with world() as watched:
        await watched.engine.evaluate(watched.rules, NOW)
        meter = Meter.start(watched.server_pid)
        for number in range(rounds):
            await watched.engine.evaluate(watched.rules, NOW + number * timedelta(seconds=1))
        wall_s, ours_s, database_s = meter.read()
        _all_healthy(watched)
    return {
        "cpu_ms": 1000 * ours_s / rounds,
        "database_cpu_ms": 1000 * database_s / rounds,
        "wall_ms": 1000 * wall_s / rounds,
    }


async def storm(*, quick: bool) -> dict[str, float]:  # noqa: ARG001 (a smaller one says nothing)
    """Let 10,000 entities turn bad at once: one incident with 10,000 members; then all of them recover."""
    async with world() as watched:
        figures = await _turn_bad(watched)
        await _all_stored(watched, incident=1, event=1, notification=3, member=10_000, track=10_000)
        await watched.execute("update job set status = 'done'")
        await watched.execute("vacuum analyze job")
        looked = await watched.engine.look(watched.rules, NOW)
        started_s = time.perf_counter()
        await watched.engine.settle(looked, NOW)
        figures["recovered_s"] = time.perf_counter() - started_s
        await _all_stored(watched, incident=1, event=2, member=10_000, track=0)
    return figures


async def apart(*, quick: bool) -> dict[str, float]:  # noqa: ARG001 (a smaller one says nothing)
    """Let 10,000 entities turn bad at once; each gets an incident, its event, and three messages."""
    async with world() as watched:
        await watched.watch(rulefiles.apart(rulefiles.stuck_rule(watched.dsn)))
        figures = await _turn_bad(watched)
        rows = {"incident": 10_000, "event": 10_000, "notification": 30_000, "track": 10_000}
        await _all_stored(watched, **rows)
    return figures


async def _turn_bad(watched: World) -> dict[str, float]:
    await watched.engine.evaluate(watched.rules, NOW)
    await watched.execute("update job set started_at = started_at - interval '1 hour'")
    await watched.execute("vacuum analyze job")
    assert watched.engine.memory is not None
    started_s = time.perf_counter()
    looked = await watched.engine.look(watched.rules, NOW)
    judged_s = time.perf_counter() - started_s
    meter = Meter.start(watched.server_pid)
    await watched.engine.settle(looked, NOW)
    stored_s, ours_s, database_s = meter.read()
    return {
        "judged_s": judged_s,
        "stored_s": stored_s,
        "cpu_s": ours_s,
        "database_cpu_s": database_s,
    }


async def _all_stored(watched: World, **rows: int) -> None:
    for table, count in rows.items():
        found = await watched.pool.fetchval(f"select count(*) from {table}")  # noqa: S608 (ours)
        assert found == count, f"{table} has {found} rows in place of {count}"
