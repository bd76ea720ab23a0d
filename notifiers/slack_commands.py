"""The command `/watchdog` in Slack: who has typed what. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notifiers.slack_members import Member, deed_id, member
from notifiers.slack_parts import short_text

COMMAND = "/watchdog"
_TYPED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Command:
    """Something that was typed behind the command.

    Attributes:
        words: What was typed; may be anything, and is at most 1,000 characters.
        answer_at: Where a message goes that only whoever typed it sees.
        id: The same however often Slack tells of it.
    """

    words: str
    member: Member
    answer_at: str
    id: str


def read_command(told: Mapping[str, Any]) -> Command:
    """Return the command that Slack tells of.

    Raises:
        NotAPress: Nobody has typed it.
    """
    workspaces = (short_text(told, "team_id"), short_text(told, "enterprise_id"))
    typist = member(short_text(told, "user_id"), short_text(told, "user_name"), *workspaces)
    typed = told.get("text")
    return Command(
        words=typed[:_TYPED_MAX] if isinstance(typed, str) else "",
        member=typist,
        answer_at=short_text(told, "response_url"),
        id=deed_id(typist.id, "command", short_text(told, "trigger_id")),
    )
