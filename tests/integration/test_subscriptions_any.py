"""Readers by chance: whatever they do between weeks, each has each week once, and none that they stopped."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

import asyncpg
import pytest

from notifiers.summary_samples import quiet_summary
from tests.postgres import NIGHT
from watchdog.domain.due import Due
from watchdog.store import subscriptions
from watchdog.store.pool import transaction

READERS = [f"{name}@example.com" for name in ("ana", "raj", "mei", "tom", "heads")]
STEPS = 60


@dataclass
class Town:
    """What should be: a plain account of what readers have done, kept beside the store.

    Attributes:
        had: Which weeks each reader has had, by number.
    """

    store: asyncpg.Pool
    chance: random.Random
    week: int = 0
    named: set[str] = field(default_factory=lambda: {READERS[0]})
    known: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    had: dict[str, set[int]] = field(default_factory=dict)

    async def step(self) -> None:
        """Let something happen."""
        what = self.chance.choice(["tell", "tell", "tell twice", "next", "stop", "start", "name"])
        reader = self.chance.choice(READERS)
        if what == "tell":
            self.owe(await self.tell())
        elif what == "tell twice":
            one, other = await asyncio.gather(self.tell(), self.tell())
            assert not {*one} & {*other}
            self.owe([*one, *other])
        elif what == "next":
            self.week += 1
        elif what == "name":
            self.named ^= {reader}
            self.named |= {READERS[0]}
        elif reader in self.known:
            await self.change(what, reader)

    async def tell(self) -> list[str]:
        """Tell the present week to whoever is named."""
        summary = quiet_summary()
        monday = summary.monday + timedelta(weeks=self.week)
        due = Due(monday, NIGHT)
        names = [self.chance.choice([one, one.upper()]) for one in sorted(self.named)]
        async with transaction(self.store) as conn:
            told = replace(summary, monday=monday)
            written = await subscriptions.tell(conn, summary.report, told, due, names)
        return [one.lower() for one in written]

    def owe(self, told: list[str]) -> None:
        """Assert that those were told who were named, had not stopped it, and had not had it."""
        owed = {
            one
            for one in self.named - self.stopped
            if self.week not in self.had.setdefault(one, set())
        }
        assert Counter(told) == Counter(owed)
        self.known |= self.named
        for one in owed:
            self.had[one].add(self.week)

    async def change(self, what: str, reader: str) -> None:
        """Let a reader stop it, or have it again."""
        async with transaction(self.store) as conn:
            _, token = (await subscriptions.readers(conn, "weekly"))[reader]
            if what == "stop":
                after = await subscriptions.stop(conn, token, NIGHT)
                self.stopped |= {reader}
            else:
                after = await subscriptions.start(conn, token)
                self.stopped -= {reader}
        assert after is not None
        assert (after.address, bool(after.stopped_at)) == (reader, reader in self.stopped)


@pytest.mark.parametrize("seed", range(4))
async def test_each_reader_has_each_week_once_whatever_they_do(
    store: asyncpg.Pool, seed: int
) -> None:
    town = Town(store, random.Random(seed))  # noqa: S311 (repeats itself)
    for _ in range(STEPS):
        await town.step()
    messages = await store.fetch(
        "select n.receiver, r.due_on from notification n join report_run r on r.id = n.report_run"
    )
    sent = Counter((row["receiver"], row["due_on"]) for row in messages)
    assert set(sent.values()) <= {1}
    assert len(sent) == sum(len(weeks) for weeks in town.had.values()) > 0


async def test_a_token_stays_the_same_from_week_to_week(store: asyncpg.Pool) -> None:
    town = Town(store, random.Random(1))  # noqa: S311 (repeats itself)
    tokens = set()
    for _ in range(3):
        await town.tell()
        town.week += 1
        tokens |= {row["token"] for row in await store.fetch("select token from subscription")}
    assert len(tokens) == 1
    assert len(tokens.pop()) >= 32


async def test_the_link_of_one_reader_is_of_nobody_else(store: asyncpg.Pool) -> None:
    town = Town(store, random.Random(1), named=set(READERS))  # noqa: S311 (repeats itself)
    await town.tell()
    async with transaction(store) as conn:
        found = await subscriptions.readers(conn, "weekly")
        tokens = {token for _, token in found.values()}
        assert found.keys() == set(READERS)
        assert len(tokens) == len(READERS)
        for address, (_, token) in found.items():
            reader = await subscriptions.of_token(conn, token)
            assert reader is not None
            assert reader.address == address
        assert await subscriptions.of_token(conn, "x" * 32) is None
        assert await subscriptions.stop(conn, "", NIGHT) is None
        assert await subscriptions.start(conn, "no such") is None
