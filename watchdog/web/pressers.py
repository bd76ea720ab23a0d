"""Who of our people has pressed, sent or typed something in Slack."""

from collections.abc import Mapping
from typing import Any

from notifiers.slack_members import Member
from notifiers.slack_replies import reply
from watchdog.domain.people import Person
from watchdog.web.room import Room

ANSWER_WITHIN_SECONDS = 2.0
"""Slack waits three seconds for an answer."""

UNSURE = "The store is slow or down, so nobody knows yet whether this was done."

Reply = Mapping[str, Any]


class Stranger(Exception):  # noqa: N818 (an answer)
    """None of our people; `reply` tells them why, and what to do."""

    def __init__(self, said: Reply) -> None:
        super().__init__(str(said["text"]))
        self.reply = said


def person_of(room: Room, member: Member) -> Person:
    """Return the one person of `people:` that a member of Slack is.

    Raises:
        Stranger: There is none, or are two, or the member is of another workspace.
    """
    workspace = room.service.config.slack.workspace
    if workspace and workspace not in member.workspaces:
        raise Stranger(reply("This service takes presses from another workspace only."))
    people = [one for one in room.service.directory().people.values() if one.slack == member.id]
    if len(people) != 1:
        raise Stranger(_unknown(member, people))
    return people[0]


def _unknown(member: Member, people: list[Person]) -> Reply:
    if people:
        names = " and ".join(one.name for one in people)
        return reply(f"{names} have the same Slack id under people:, so nobody knows who you are.")
    name = "".join(one for one in member.name.lower() if one.isascii() and one.isalnum())[:30]
    return reply(
        "You are not among the people of this service yet. Add your Slack id to your name under "
        "people:, or add yourself, and try again.",
        code=f"people:\n  {name or 'your-name'}: {{ slack: {member.id} }}",
    )


def sentence(text: str) -> str:
    """Return text with a full stop where it does not end as a sentence does."""
    return text + ("" if text[-1:] in ".!?…" else ".")
