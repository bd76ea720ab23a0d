"""PostgreSQL as a source: a few held connections, one read-only transaction for many questions."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from rules.base import Answer, Question, SqlQuestion, Unanswered
from watchdog.config.model import Source as SourceSpec
from watchdog.sources import postgres_reasons as reasons
from watchdog.sources.base import seconds_in_words
from watchdog.sources.postgres_connection import Connection, Limits, TooLargeError
from watchdog.sources.postgres_values import UnfitError

AGE_S_MAX: Final = 300.0
"""Connections are renewed after this: they may lead to a server that is no longer the primary."""

QUESTIONS_A_TRANSACTION_MAX: Final = 64
TRANSACTION_S_MAX: Final = 0.25
"""A transaction holds its locks to the end, so it takes no further question after this."""

REFUSED_S: Final = 0.25
"""For so long after a failed attempt to connect nobody tries again."""

_POOLER_AFTER_ALL: Final = ("26000", "42P05")


@dataclass(slots=True)
class _Asked:
    """A question on its way. `index`: its place among the answers."""

    index: int
    question: SqlQuestion
    tries: int = 0


class _NoConnectionError(Exception):
    """There is no connection to be had; `answer` says why."""

    def __init__(self, answer: Unanswered) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class _Lane:
    """The place of one connection; equal statements prefer the same lane, where they are prepared."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.connection: Connection | None = None

    @property
    def is_alive(self) -> bool:
        return self.connection is not None and not self.connection.is_closed

    def drop(self) -> None:
        if self.connection is not None:
            self.connection.kill()
        self.connection = None

    def drop_if_old(self) -> None:
        one = self.connection
        if one and (one.is_closed or time.monotonic() - one.opened_at_s > AGE_S_MAX):
            self.drop()


class _Batch:
    """Questions that are due together, and their answers so far."""

    def __init__(self, questions: Sequence[Question], lanes: int, turn_by_s: float) -> None:
        self._answers: list[Answer | None] = [None] * len(questions)
        self._queues: list[deque[_Asked]] = [deque() for _ in range(lanes)]
        self._turn_by_s = turn_by_s
        self.failure: Unanswered | None = None  # why nobody needs to ask any further
        self.trouble: Unanswered | None = None  # why some connection could not be had
        for index, question in sorted(enumerate(questions), key=_zone_of):
            if isinstance(question, SqlQuestion):
                self._queues[hash(question.text) % lanes].append(_Asked(index, question))
            else:
                self._answers[index] = Unanswered("a database is asked in SQL, not by URL")

    def __len__(self) -> int:
        return sum(map(len, self._queues))

    def prefers(self, lane: int) -> bool:
        """Return whether questions wait whose statement this lane may hold."""
        return bool(self._queues[lane])

    def take(self, lane: int) -> deque[_Asked]:
        """Return the next questions for one transaction: those of the lane, else of the longest queue."""
        chunk: deque[_Asked] = deque()
        if self.failure or time.monotonic() > self._turn_by_s:
            return chunk
        queue = self._queues[lane] or max(self._queues, key=len)
        fair = max(1, min(QUESTIONS_A_TRANSACTION_MAX, (len(queue) + 1) // 2))
        wanted = fair if queue is not self._queues[lane] else QUESTIONS_A_TRANSACTION_MAX
        while queue and len(chunk) < wanted:
            if chunk and queue[0].question.zone != chunk[0].question.zone:
                break
            chunk.append(queue.popleft())
        return chunk

    def put_back(self, lane: int, chunk: deque[_Asked]) -> None:
        """Leave questions to whoever comes next."""
        self._queues[lane].extendleft(reversed(chunk))

    def answer(self, asked: _Asked, answer: Answer) -> None:
        """Keep the answer to one question."""
        self._answers[asked.index] = answer

    def answers(self, otherwise: Unanswered) -> list[Answer]:
        """Return all answers in the order of the questions."""
        last = self.failure or self.trouble or otherwise
        return [last if answer is None else answer for answer in self._answers]


def _zone_of(numbered: tuple[int, Question]) -> str:
    question = numbered[1]
    return question.zone if isinstance(question, SqlQuestion) else ""


class PostgresSource:
    """A monitored PostgreSQL."""

    def __init__(self, spec: SourceSpec, address: str) -> None:
        self._name = spec.name
        self._address = address
        self._limits = Limits(spec.timeout.total_seconds())
        self._direct = spec.direct
        self._lanes = [_Lane(index) for index in range(max(1, spec.connections))]
        self._free = list(self._lanes)
        self._turns = asyncio.Semaphore(len(self._lanes))
        self._refusal: Unanswered | None = None
        self._refused_until_s = 0.0
        self._busy = Unanswered(
            f"its turn did not come within {seconds_in_words(self._limits.timeout_s)}: "
            f"all connections are busy (at most {len(self._lanes)})"
        )

    async def answer(self, question: Question) -> Answer:
        """Return what the database says to one question."""
        return (await self.answer_all([question]))[0]

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers in order; questions share transactions, but not each other's failures."""
        turn_by_s = time.monotonic() + self._limits.timeout_s
        batch = _Batch(questions, len(self._lanes), turn_by_s)
        workers = min(len(self._lanes), len(batch))
        if workers == 1:
            await self._work(batch)
        elif workers > 1:
            async with asyncio.TaskGroup() as group:
                for number in range(workers):
                    group.create_task(self._work(batch), name=f"ask {self._name} {number}")
            if batch.trouble and len(batch):  # given back when all others had finished
                await self._work(batch)
        return batch.answers(self._busy)

    async def close(self) -> None:
        """Hang up."""
        for lane in self._lanes:
            lane.drop()

    async def _work(self, batch: _Batch) -> None:
        """Ask questions of the batch through one lane until none is left."""
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                await self._turns.acquire()
        except TimeoutError:
            return  # the batch says to whoever is left that its turn did not come
        lane = self._take_lane(batch)
        try:
            await self._ask_through(lane, batch)
            await self._finish(lane)
        except BaseException:
            lane.drop()
            raise
        finally:
            self._free.append(lane)
            self._turns.release()

    def _take_lane(self, batch: _Batch) -> _Lane:
        def preference(one: _Lane) -> tuple[bool, bool]:
            return (batch.trouble is not None and not one.is_alive, not batch.prefers(one.index))

        lane = min(self._free, key=preference)
        self._free.remove(lane)
        return lane

    async def _ask_through(self, lane: _Lane, batch: _Batch) -> None:
        """Ask what is left of the batch, transaction by transaction, while there is a connection."""
        while chunk := batch.take(lane.index):
            try:
                await self._transaction(lane, chunk, batch)
            except _NoConnectionError as error:
                if any(other.is_alive for other in self._lanes):
                    batch.trouble = error.answer
                else:
                    batch.failure = error.answer
                return
            finally:
                batch.put_back(lane.index, chunk)

    async def _transaction(self, lane: _Lane, chunk: deque[_Asked], batch: _Batch) -> None:
        """Ask questions of the chunk in one transaction, until one fails or it has lasted too long.

        Takes at least one question out of the chunk, or raises `_NoConnectionError`.
        """
        loop = asyncio.get_running_loop()
        asked: _Asked | None = None
        try:
            async with asyncio.timeout(self._limits.timeout_s) as alarm:
                connection = await self._begun(lane, chunk[0].question.zone)
                end_s = loop.time() + TRANSACTION_S_MAX
                while chunk and connection is lane.connection:
                    asked = chunk.popleft()
                    batch.answer(asked, await connection.ask(asked.question))
                    asked = None
                    lane.drop_if_old()
                    now_s = loop.time()
                    if now_s > end_s:
                        break
                    alarm.reschedule(now_s + self._limits.timeout_s)
        except _NoConnectionError:
            raise
        except (*reasons.LOST, TimeoutError, ValueError, ArithmeticError, LookupError, BufferError,
                UnfitError, TooLargeError) as error:  # fmt: skip
            self._failed(lane, asked, chunk, batch, error)

    def _failed(
        self,
        lane: _Lane,
        asked: _Asked | None,
        chunk: deque[_Asked],
        batch: _Batch,
        error: Exception,
    ) -> None:
        """Say why a question failed, and give up the connection unless it is certainly well."""
        if isinstance(error, TimeoutError) and lane.connection is None:
            answer = reasons.of_connecting(error, self._limits.timeout_s)
            self._refuse(answer)
            batch.failure = answer
            return
        if asked is None:
            asked = chunk.popleft()  # it was the transaction's beginning that failed
        if self._is_worth_another_try(asked, error):
            lane.drop()
            asked.tries += 1
            chunk.appendleft(asked)
            return
        answer = reasons.of_question(
            error,
            self._limits.timeout_s,
            self._limits.statement_ms / 1000,
            asked.question.text,
        )
        batch.answer(asked, answer)
        if not (reasons.is_refusal(error) or isinstance(error, UnfitError)):
            lane.drop()
        if isinstance(error, TimeoutError):
            self._refuse(answer)
            batch.failure = answer

    def _is_worth_another_try(self, asked: _Asked, error: Exception) -> bool:
        """Return whether a held statement may have been the reason: then a new connection helps."""
        code = str(error.sqlstate) if isinstance(error, asyncpg.PostgresError) else ""
        if code in _POOLER_AFTER_ALL:
            self._direct = False
        is_outdated = isinstance(error, asyncpg.OutdatedSchemaCacheError)
        return asked.tries == 0 and (is_outdated or reasons.may_be_stale(code))

    async def _begun(self, lane: _Lane, zone: str) -> Connection:
        """Return the lane's connection, inside a new transaction."""
        lane.drop_if_old()
        if lane.connection is not None:
            try:
                await lane.connection.begin(self._limits, zone)
            except reasons.LOST as error:
                if isinstance(error, TimeoutError) or reasons.is_refusal(error):
                    raise
                lane.drop()  # it died while nobody used it, which says nothing about the source
            else:
                return lane.connection
        lane.connection = await self._connect()
        await lane.connection.begin(self._limits, zone)
        return lane.connection

    async def _connect(self) -> Connection:
        if self._refusal and time.monotonic() < self._refused_until_s:
            raise _NoConnectionError(self._refusal)
        try:
            connection = await Connection.open(self._address, self._limits, self._direct)
        except TimeoutError:
            raise
        except (*reasons.LOST, ValueError) as error:
            answer = reasons.of_connecting(error, self._limits.timeout_s)
            self._refuse(answer)
            raise _NoConnectionError(answer) from error
        self._refusal = None
        return connection

    def _refuse(self, answer: Unanswered) -> None:
        self._refusal = answer
        self._refused_until_s = time.monotonic() + REFUSED_S

    async def _finish(self, lane: _Lane) -> None:
        """Roll back; a connection that cannot even do that is thrown away."""
        if lane.connection is None:
            return
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                await lane.connection.end()
        except (*reasons.LOST, TimeoutError):
            lane.drop()
