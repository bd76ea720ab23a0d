"""Requests of recovery actions: sent once, and judged by what their status means."""

from collections.abc import Mapping

from rules.base import HttpFailure, HttpQuestion, HttpReply, Unanswered
from watchdog.config.model import Source as SourceSpec
from watchdog.config.recovery import HttpCall
from watchdog.domain.acting import Outcome, Standing
from watchdog.sources.base import Silent
from watchdog.sources.http import HttpSource
from watchdog.sources.open import open_source


async def call(
    how: HttpCall, question: HttpQuestion, spec: SourceSpec, address_of_demo: Mapping[str, str]
) -> Outcome:
    """Send a request once and return what came of it, within the call's deadline.

    Nothing is followed and nothing repeated. What fails before a byte has left has failed; what
    fails after that is unknown.
    """
    source = open_source(spec, address_of_demo)
    if isinstance(source, Silent):
        answer = await source.answer(question)
        assert isinstance(answer, Unanswered)
        return Outcome(Standing.FAILED, f"nothing was sent: {answer.reason}")
    assert isinstance(source, HttpSource)
    try:
        answer, may_have_left = await source.send(question)
    finally:
        await source.close()
    if isinstance(answer, HttpReply):
        return _of_status(answer.status, how)
    assert isinstance(answer, HttpFailure | Unanswered)
    words = answer.detail if isinstance(answer, HttpFailure) else answer.reason
    words = words.rstrip(".")
    words = words[:1].lower() + words[1:] if isinstance(answer, HttpFailure) else words
    if not may_have_left:
        return Outcome(Standing.FAILED, f"nothing was sent: {words}")
    return Outcome(Standing.UNKNOWN, f"{words}; it may have taken effect or not")


def _of_status(status: int, how: HttpCall) -> Outcome:
    if status in how.ok:
        return Outcome(Standing.DONE, f"the answer was {status}")
    if status in how.busy:
        words = f"the answer was {status}: it is being done already; wait for it to end"
        return Outcome(Standing.BUSY, words)
    return Outcome(Standing.FAILED, f"the answer was {status}")
