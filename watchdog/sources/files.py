"""Files as a source: what matches a pattern, and what the lines of logs say."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

from rules.base import Answer, Question, Rows, Unanswered
from rules.file_questions import FileQuestion, LogQuestion
from watchdog.config.model import Source as SourceSpec
from watchdog.sources.base import seconds_in_words
from watchdog.sources.log_reader import LogReader
from watchdog.sources.places import Refused, absolute, matching
from watchdog.sources.threads import Threads

logger = logging.getLogger(__name__)

NEWEST_MAX = 1000
"""Most files that an answer names, the newest ones."""


class FilesSource:
    """The files of this machine.

    Questions about the same files are answered together, in a thread of their own: one
    dead file system keeps nobody else waiting. What was read of logs is kept between looks.
    """

    def __init__(self, spec: SourceSpec, address_of_demo: Mapping[str, str]) -> None:
        self._folder = spec.address.get_secret_value()
        self._timeout_s = spec.timeout.total_seconds()
        self._address_of_demo = address_of_demo
        self._places: dict[tuple[str, ...], _Place] = {}
        self._threads = Threads()

    async def answer(self, question: Question) -> Answer:
        """Return what files say to one question."""
        return (await self.answer_all([question]))[0]

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers in order; those about different files at the same time."""
        answers: dict[Question, Answer] = {}
        batches: dict[tuple[str, ...], list[FileQuestion | LogQuestion]] = {}
        for question in questions:
            if isinstance(question, FileQuestion):
                batches.setdefault(question.paths, []).append(question)
            elif isinstance(question, LogQuestion):
                batches.setdefault(question.lines.files, []).append(question)
            else:
                answers[question] = Unanswered("files are asked neither in SQL nor by URL")

        async def ask(files: tuple[str, ...], batch: list[FileQuestion | LogQuestion]) -> None:
            place = self._places.setdefault(files, _Place(files, self._folder, self._timeout_s))
            try:
                found = await place.answer_all(batch, self._address_of_demo, self._threads)
            except Exception as error:
                # The edge: of a built-in source only the rule can tell that it is not watched.
                logger.exception("files not looked at", extra={"files": files})
                found = [Unanswered(f"internal error: {type(error).__name__}; see the log")] * len(
                    batch
                )
            answers.update(zip(batch, found, strict=True))
            if place.is_empty:
                self._places.pop(files, None)

        async with asyncio.TaskGroup() as group:
            for files, batch in batches.items():
                group.create_task(ask(files, batch), name=f"look at {files[0]}")
        return [answers[question] for question in questions]

    async def close(self) -> None:
        """Forget what was read; a thread that hangs is left to itself."""
        self._places.clear()
        self._threads.close()


class _Place:
    """The files that some patterns name, looked at by one thread at a time."""

    def __init__(self, files: tuple[str, ...], folder: str, timeout_s: float) -> None:
        self._files = files
        self._folder = folder
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._reader = LogReader()
        self._hanging: asyncio.Future[list[Answer]] | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to keep until the next look."""
        is_idle = self._hanging is None or self._hanging.done()
        return self._reader.is_empty and is_idle and not self._turn.locked()

    async def answer_all(
        self,
        questions: Sequence[FileQuestion | LogQuestion],
        address_of_demo: Mapping[str, str],
        threads: Threads,
    ) -> list[Answer]:
        """Return the answers in order, within twice the time-out."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._turn.acquire()
        except TimeoutError:
            return self._unanswered(questions, f"its turn did not come within {self._seconds}")
        try:
            if self._hanging is not None and not self._hanging.done():
                words = "the file system hangs: an earlier look at it has not come back"
                return self._unanswered(questions, words)
            self._hanging = threads.run(lambda: self._look(questions, address_of_demo))
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(self._hanging)
        except TimeoutError:
            return self._unanswered(questions, f"no answer within {self._seconds}")
        finally:
            self._turn.release()

    @property
    def _seconds(self) -> str:
        return seconds_in_words(self._timeout_s)

    def _unanswered(self, questions: Sequence[Question], words: str) -> list[Answer]:
        return [Unanswered(f"{self._files[0]}: {words}")] * len(questions)

    def _look(
        self, questions: Sequence[FileQuestion | LogQuestion], address_of_demo: Mapping[str, str]
    ) -> list[Answer]:
        ends_s = time.monotonic() + self._timeout_s / 2
        try:
            patterns = [absolute(one, self._folder, address_of_demo) for one in self._files]
            logs = [one for one in questions if isinstance(one, LogQuestion)]
            replies = self._reader.look(logs, patterns, ends_s) if logs else {}
            return [
                replies[one] if isinstance(one, LogQuestion) else _newest(patterns)
                for one in questions
            ]
        except Refused as refused:
            return [Unanswered(str(refused))] * len(questions)


def _newest(patterns: Sequence[str]) -> Rows:
    found = sorted(matching(patterns).items(), key=lambda one: one[1].st_mtime, reverse=True)
    rows = [
        {"path": path, "at": known.st_mtime, "size": known.st_size}
        for path, known in found[:NEWEST_MAX]
    ]
    return Rows(rows)
