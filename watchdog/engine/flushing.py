"""Writes what has come since the last flush: counts, figures, and what kinds remember."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import asyncpg

from watchdog.engine.memory import Memory
from watchdog.store import incidents, looks, members, remembered
from watchdog.store.incidents import Figures
from watchdog.store.looks import RuleLook
from watchdog.store.pool import TROUBLE, transaction
from watchdog.store.remembered import Changes

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Fresh:
    """What is not written yet."""

    looks: Sequence[RuleLook] = ()
    figures: Sequence[Figures] = ()
    changes: Changes = field(default_factory=dict)

    def apart(self) -> Iterator["_Fresh"]:
        """Yield it in the parts of which each may be refused alone."""
        yield _Fresh(looks=self.looks)
        yield _Fresh(figures=self.figures)
        yield from (_Fresh(changes={rule: one}) for rule, one in self.changes.items())


async def flush(pool: asyncpg.Pool, memory: Memory) -> None:
    """Write it all together; what the store refuses even alone is logged, and left out for good."""
    counts, figures = memory.unflushed()
    fresh = _Fresh(counts, figures, memory.recollection.unwritten())
    if not (fresh.looks or fresh.figures or fresh.changes):
        return
    try:
        await _write_or_part(pool, memory, fresh)
    except TROUBLE as error:
        logger.warning("counts not flushed", extra={"reason": str(error)})


async def _write_or_part(pool: asyncpg.Pool, memory: Memory, fresh: _Fresh) -> None:
    try:
        await _write(pool, memory, fresh)
    except TROUBLE:
        raise
    except Exception:
        logger.exception("counts not flushed together")
        for one in fresh.apart():
            await _write_or_leave(pool, memory, one)


async def _write_or_leave(pool: asyncpg.Pool, memory: Memory, one: _Fresh) -> None:
    try:
        await _write(pool, memory, one)
    except TROUBLE:
        raise
    except Exception:
        logger.exception("counts not flushed", extra={"remembered": list(one.changes)})
        _note_written(memory, one)  # or it would be refused again every few seconds


async def _write(pool: asyncpg.Pool, memory: Memory, fresh: _Fresh) -> None:
    async with transaction(pool) as conn:
        await looks.add(conn, fresh.looks)
        if memory.storms.follow(await members.splits(conn, memory.storms.live)):
            memory.point_anew()
        of_members, others = memory.storms.parted(fresh.figures)
        await incidents.update_figures(conn, others)
        await members.update_figures(conn, of_members)
        await remembered.write(conn, fresh.changes, memory.recollection.identities)
    _note_written(memory, fresh)


def _note_written(memory: Memory, fresh: _Fresh) -> None:
    memory.flushed(fresh.looks, fresh.figures)
    memory.recollection.written(fresh.changes)
