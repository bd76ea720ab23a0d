"""Who has done something in Slack, as Slack vouches for it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notifiers.slack_parts import mapping, short_text

_MEMBER = re.compile(r"[UW][A-Z0-9]{2,20}")


class NotAPress(ValueError):  # noqa: N818 (an answer)
    """Slack tells of something else, or of what is not ours; the text says what."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a workspace.

    Attributes:
        id: Member id. `name`: what they call themselves, so anything.
        workspaces: Ids of the workspace, and of the enterprise that it belongs to.
    """

    id: str
    name: str
    workspaces: frozenset[str]


def member_in(told: Mapping[str, Any]) -> Member:
    """Return who has pressed a button, or sent a dialog.

    Raises:
        NotAPress: Slack names nobody.
    """
    user = mapping(told.get("user"))
    named = (mapping(told.get("team")), mapping(told.get("enterprise")))
    workspaces = (*(short_text(one, "id") for one in named), short_text(user, "team_id"))
    name = short_text(user, "username") or short_text(user, "name")
    return member(short_text(user, "id"), name, *workspaces)


def member(member_id: str, name: str, *workspaces: str) -> Member:
    """Return somebody by their id.

    Raises:
        NotAPress: It is no id of a member.
    """
    if not _MEMBER.fullmatch(member_id):
        raise NotAPress("the press names no member of Slack")
    return Member(member_id, name, frozenset(filter(None, workspaces)))


def deed_id(*parts: str) -> str:
    """Return an id for an action, the same however often Slack tells of it: 64 hexadecimal digits."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
