"""What a Slack app must be allowed to do for us, and for what."""

from collections.abc import Mapping

BOT_SCOPES: Mapping[str, str] = {
    "chat:write": "messages are posted and edited",
    "im:write": "pages go to people directly",
    "dnd:read": "the next person is paged when somebody is in Do Not Disturb",
    "commands": "/watchdog is answered",
    "channels:read": "a channel is found by its name",
    "groups:read": "a private channel is found by its name",
    "channels:history": "a message of unknown outcome is looked up before it is sent again",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages",
}
"""Scopes of the bot's token, each with what it is for."""

APP_SCOPE = "connections:write"
"""Scope of the app's token, for Socket Mode."""

NEEDED_BY: Mapping[str, tuple[str, ...]] = {
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.open": ("im:write",),
    "conversations.list": ("channels:read", "groups:read"),
    "conversations.history": ("channels:history", "groups:history", "im:history"),
    "conversations.replies": ("channels:history", "groups:history", "im:history"),
    "dnd.info": ("dnd:read",),
    "views.open": (),
    "auth.test": (),
    "apps.connections.open": (),
}
"""Scopes that each method needs which we call. Commands need theirs without a call."""


def lacking(granted: frozenset[str]) -> list[str]:
    """Return the scopes that are missing, each with what does not work without it."""
    return [f"{scope} ({what})" for scope, what in BOT_SCOPES.items() if scope not in granted]
