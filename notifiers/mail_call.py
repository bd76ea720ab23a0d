"""What the one button of a mail is for, and where it leads. Pure."""

from dataclasses import dataclass
from datetime import datetime

from notifiers.base import Event, Facts
from notifiers.clean import safe_url
from notifiers.keys import KEY_MIN
from notifiers.mail_link import LASTS, Grant, write


@dataclass(frozen=True, slots=True)
class Links:
    """What links are made of.

    Attributes:
        base_url: Where our pages are, without a slash at the end; empty for no links.
        key: Signs links by which people take incidents; empty: they have to sign in.
    """

    base_url: str = ""
    key: str = ""


NO_LINKS = Links()


@dataclass(frozen=True, slots=True)
class Call:
    """What the reader is asked to do.

    Attributes:
        hint: What happens then; empty where nothing does.
    """

    label: str
    url: str
    hint: str = ""


def call_of(facts: Facts, reader: str, links: Links, due_at: datetime | None = None) -> Call | None:
    """Return what the button says and opens; None without a page to open.

    Args:
        reader: The person who reads the mail; empty: nobody knows who.
        due_at: Until when the mail was held, if it was.
    """
    if not facts.url:
        return None
    if facts.event in _ASKS_FOR_CAUSE and reader in {"", facts.owner}:
        return Call("Write the cause", facts.url)
    is_open = facts.id > 0 and facts.state == "open"
    if is_open or facts.event is Event.OFFERED:
        url = _signed(facts, reader, links, due_at) or f"{facts.url}/take"
        return Call("Take it", url, "asks once, then it is yours")
    return Call("Open it", facts.url)


_ASKS_FOR_CAUSE = {Event.RECOVERED, Event.CAUSE_ASKED}


def _signed(facts: Facts, reader: str, links: Links, due_at: datetime | None) -> str:
    if not reader or len(links.key) < KEY_MIN:
        return ""
    grant = Grant(facts.id, reader, (due_at or facts.at) + LASTS)
    return safe_url(f"{links.base_url}/take/{write(grant, facts.opened_at, links.key)}")
