"""A receiver of messages that can do everything that real ones do on bad days."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from notifiers.base import DeliveryError, Facts, Message, Pace, Part, Receipt, Rendered


class Mood(Enum):
    """What the receiver does with a message."""

    ACCEPT = auto()
    LOSE_REPLY = auto()
    """It takes the message, but its answer never arrives."""
    DROP = auto()
    """The message does not arrive, and nobody can tell."""
    BREAK = auto()
    """As before, but nothing else gets through either."""
    REFUSE = auto()
    REFUSE_FOR_EVER = auto()
    ASK_TO_WAIT = auto()
    CRASH = auto()
    """The notifier has a bug that shows after the message was taken."""
    HANG = auto()


@dataclass(frozen=True)
class Delivered:
    """What the receiver has taken: its own record, not ours."""

    key: str
    address: str
    part: Part
    number: int
    incident: int
    event: str
    remote: Mapping[str, str]

    @property
    def notification(self) -> int:
        """The number of the row that the message came from."""
        return int(self.key.partition("-")[0])


async def _no_gate(_name: str) -> None:
    """Let everything pass."""


def _told(message: Message) -> tuple[str, int]:
    """Return the event that a message tells of, and its incident."""
    facts = message.facts
    return (facts.event.value, facts.id) if isinstance(facts, Facts) else (facts.name, 0)


@dataclass
class Receiver:
    """A notifier together with what is at its other end.

    Attributes:
        delivered: Everything it took, in order.
        moods: By address: what it does with the next messages there; afterwards `usual` or it accepts.
        gate: Awaited before and after it takes a message.
        can_look: A look-up finds what was taken.
        silences: By address: when the phone there stays silent.
    """

    at_once: int = 1000
    paces: Mapping[Part, Pace] = field(default_factory=dict)
    is_one_place: bool = False
    keeps_rendered: bool = False
    delivered: list[Delivered] = field(default_factory=list)
    moods: dict[str, list[Mood]] = field(default_factory=lambda: defaultdict(list))
    usual: dict[str, Mood] = field(default_factory=dict)
    gate: Callable[[str], Awaitable[None]] = _no_gate
    can_look: bool = True
    wait: timedelta = timedelta(seconds=30)
    silences: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    looked_up: Counter[str] = field(default_factory=Counter)
    sends: int = 0
    on_their_way: int = 0
    most_on_their_way: int = 0

    def render(self, message: Message) -> Rendered:
        """Return a line that names the event and the incident."""
        line = "{} #{}".format(*_told(message))
        return Rendered(line, {"text": line, "to": message.address})

    async def send(self, message: Message, rendered: Rendered) -> Receipt:
        """Take the message, or not, as its mood is."""
        assert rendered.line
        self.sends += 1
        self.on_their_way += 1
        self.most_on_their_way = max(self.most_on_their_way, self.on_their_way)
        try:
            return await self._answer(message)
        finally:
            self.on_their_way -= 1

    async def _answer(self, message: Message) -> Receipt:
        planned = self.moods[message.address]
        mood = planned.pop(0) if planned else self.usual.get(message.address, Mood.ACCEPT)
        await self.gate(f"before {message.address} takes it")
        if mood is Mood.HANG:
            await asyncio.Event().wait()
        if mood is Mood.REFUSE:
            raise DeliveryError("mailbox full")
        if mood is Mood.REFUSE_FOR_EVER:
            raise DeliveryError("channel_not_found", permanent=True)
        if mood is Mood.ASK_TO_WAIT:
            raise DeliveryError("ratelimited", retry_after=self.wait)
        if mood is Mood.DROP:
            raise DeliveryError("connection reset", unknown=True)
        if mood is Mood.BREAK:
            raise DeliveryError("connection reset", unknown=True, is_outage=True)
        receipt = self._take(message)
        await self.gate(f"after {message.address} took it")
        if mood is Mood.LOSE_REPLY:
            raise DeliveryError("no answer in time", unknown=True)
        if mood is Mood.CRASH:
            raise KeyError("ts")
        return receipt

    def _take(self, message: Message) -> Receipt:
        self.delivered.append(
            Delivered(
                key=message.key,
                address=message.address,
                part=message.part,
                number=message.number,
                incident=_told(message)[1],
                event=_told(message)[0],
                remote=dict(message.remote),
            )
        )
        where = {"channel": message.address, "ts": str(len(self.delivered))}
        silence = self.silences.get(message.address)
        return Receipt(where, (silence,) if silence else ())

    async def look_up(self, message: Message) -> Receipt | None:
        """Find what was taken before."""
        self.looked_up[message.key] += 1
        await self.gate(f"look-up at {message.address}")
        if not self.can_look:
            return None
        for place, one in enumerate(self.delivered, start=1):
            if one.key == message.key:
                return Receipt({"channel": one.address, "ts": str(place)})
        return None

    async def close(self) -> None:
        """Hold nothing."""

    def heard(self, address: str) -> list[str]:
        """Return the events that an address was told of, with the part, in order."""
        return [f"{one.part}:{one.event}" for one in self.delivered if one.address == address]
