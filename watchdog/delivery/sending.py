"""One attempt to reach one receiver. Whatever a notifier does, this returns what came of it."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifiers.base import DeliveryError, Message, Notifier, Receipt, Rendered
from watchdog.clock import deadline
from watchdog.store.facts import decode_told
from watchdog.store.outbox import Claimed, Result, Settled, Tried

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: a receipt, or an error that says how to go on."""

    outcome: Tried
    rendered: Rendered | None = None
    receipt: Receipt | None = None
    error: DeliveryError | None = None

    @property
    def line(self) -> str:
        """Return the push line; empty where it could not be rendered."""
        return self.rendered.line if self.rendered else ""

    def sent(self, row: Claimed, now: datetime, *, keeps_rendered: bool) -> Result:
        """Return what is written of a message that has arrived.

        Args:
            keeps_rendered: What its reader sees is written, too.
        """
        return Result(
            row.id,
            row.token,
            Settled.SENT,
            self.outcome,
            line=self.line,
            remote=self.receipt.remote if self.receipt else None,
            body=self.rendered.body if keeps_rendered and self.rendered else None,
            unheard_at=row.receiver if self._is_unheard(now) else "",
        )

    def _is_unheard(self, now: datetime) -> bool:
        """Return whether it has arrived where no phone rings now."""
        silences = self.receipt.silences if self.receipt else ()
        return any(begin <= now < end for begin, end in silences)


def message_of(row: Claimed, reader: str = "") -> Message:
    """Return the message of a row.

    Its key names the row and the instant it was written at, so that the rows of a store that was
    made anew are not taken for those of the former one.

    Raises:
        ValueError: Its facts cannot be read.
    """
    written_at = int(row.created_at.timestamp() * 1_000_000)
    return Message(
        key=f"{row.id}-{written_at:x}",
        address=row.receiver.partition(":")[2],
        part=row.part,
        number=row.version,
        facts=decode_told(row.facts),
        remote=row.remote,
        stop=row.stop,
        reader=reader,
        due_at=row.due_since,
    )


async def send_one(row: Claimed, notifier: Notifier, within: timedelta, reader: str = "") -> Answer:
    """Send a claimed message, or find that it has arrived before. Never raises, unless cancelled.

    If the outcome of an earlier attempt is unknown, the receiver is asked first; while it cannot be
    asked, nothing is sent.

    Args:
        within: Bound on all of it. Beyond it the message may or may not have arrived.
        reader: The person who reads at the receiver; empty: several do, or nobody knows who.
    """
    attempt = _Attempt(row, notifier, reader)
    try:
        async with deadline(within.total_seconds()):
            return await attempt.run()
    except DeliveryError as error:
        return attempt.failed(error)
    except TimeoutError:
        return attempt.failed(
            DeliveryError(f"no answer within {within.total_seconds():g} s", unknown=True)
        )
    except Exception as error:
        logger.exception("notifier failed", extra={"notification": row.id, "to": row.receiver})
        return attempt.failed(
            DeliveryError(f"mistake in the notifier: {type(error).__name__}", unknown=True)
        )


class _Attempt:
    """An attempt under way: how far it came decides what a failure means."""

    def __init__(self, row: Claimed, notifier: Notifier, reader: str) -> None:
        self._row = row
        self._reader = reader
        self._notifier = notifier
        self._rendered: Rendered | None = None
        self._is_sending = False

    async def run(self) -> Answer:
        message = message_of(self._row, self._reader)
        self._rendered = self._notifier.render(message)
        if self._row.unknowns and (receipt := await self._notifier.look_up(message)):
            return Answer(Tried.FOUND, self._rendered, receipt)
        self._is_sending = True
        receipt = await self._notifier.send(message, self._rendered)
        return Answer(Tried.SENT, self._rendered, receipt)

    def failed(self, error: DeliveryError) -> Answer:
        # Before the first byte nothing can have arrived, whatever went wrong.
        is_unknown = error.unknown and self._is_sending
        outcome = Tried.UNKNOWN if is_unknown else Tried.FAILED
        return Answer(outcome, self._rendered, error=error)
