"""What is done with whatever Slack tells, by whichever road, and what Slack is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from notifiers.slack_buttons import Press
from notifiers.slack_commands import Command
from notifiers.slack_dialogs import Submission
from notifiers.slack_told import Told
from watchdog.web import commands, dialogs, presses
from watchdog.web.pressers import Reply
from watchdog.web.room import Room


@dataclass(frozen=True, slots=True)
class Heard:
    """What Slack is answered.

    Attributes:
        body: What goes back at once; empty for nothing.
        reply: What only whoever pressed is told afterwards, if anything; `answer_at`: where.
    """

    body: Mapping[str, Any] = field(default_factory=dict)
    reply: Reply | None = None
    answer_at: str = ""


async def heed(room: Room, told: Told) -> Heard:
    """Do what somebody asks for in Slack."""
    match told:
        case Press():
            return Heard(reply=await presses.do(room, told), answer_at=told.answer_at)
        case Submission():
            return Heard(await dialogs.send(room, told))
        case Command():
            return Heard(await commands.answer(room, told))
        case _:
            assert_never(told)
