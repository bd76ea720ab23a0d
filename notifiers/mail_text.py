"""What a mail says: subject, headers, text part and HTML part. Pure."""

import hashlib
import logging
import re
import textwrap
from collections.abc import Iterator
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from notifiers.base import Event, Facts, Message, Rendered, Report
from notifiers.clean import cut, header_text, one_line, safe_url, tidy
from notifiers.line import head, open_for, render_line, told_in_short
from notifiers.mail_call import NO_LINKS, Call, Links, call_of
from notifiers.mail_reasons import because_of, is_owners, reason_of
from notifiers.story import tell, unless_taken
from notifiers.summary import Summary
from notifiers.telling import Row, Story
from notifiers.times import time_of_day, zone_word

if TYPE_CHECKING:
    from jinja2 import Template

COLUMNS = 76
_LABEL_COLUMNS = 9
_PREHEADER_MAX = 110
_LINK_SHOWN_MAX = 60
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}", re.ASCII)
_NOT_A_LABEL = re.compile(r"[^a-z0-9-]+")
_DOMAIN = re.compile(r"[a-z0-9.-]{1,100}")

_TAGS = {
    Event.ESCALATED: "ESCALATED to you",
    Event.MISSED: "MISSED, now yours",
    Event.EXHAUSTED: "NOBODY TOOK IT",
    Event.CAUSE_ASKED: "ACTION?",
    Event.ACTION_LATE: "ACTION LATE",
    Event.SILENCE_ENDS: "SILENCE ENDS",
}
"""Where a mail says more than the word that a phone shows."""

logger = logging.getLogger(__name__)


def render_mail(message: Message, sender: str, domain: str, links: Links = NO_LINKS) -> Rendered:
    """Return the mail: `subject`, `text`, `html`, and `headers` by name.

    If anything about the facts breaks it, the mail is the facts as plain text.

    Args:
        sender: The address it comes from, as configured.
        domain: Right side of message ids and list ids.
    """
    try:
        return _render(message, sender, domain, links)
    except Exception:  # the edge of rendering: whatever data did, people must be told
        logger.exception("message %s does not render; it goes out as plain facts", message.key)
        return _plain(message, sender, domain)


def _render(message: Message, sender: str, domain: str, links: Links) -> Rendered:
    facts = tidy(message.incident)
    story = tell(facts)
    call = call_of(facts, message.reader, links, message.due_at)
    because = because_of(reason_of(message, facts), facts)
    body = {
        "subject": subject(facts),
        "text": text_part(facts, story, because, call),
        "html": html_part(facts, story, because, call),
        "headers": headers(message, facts, sender, domain),
    }
    return Rendered(render_line(facts), body)


def _plain(message: Message, sender: str, domain: str) -> Rendered:
    facts = message.incident
    told = [one_line(one) for one in (facts.title, facts.fact, facts.detail, facts.owner)]
    text = "".join(f"{line}\n" for one in told for line in textwrap.wrap(cut(one, 500), COLUMNS))
    body = {
        "subject": f"[{facts.event.value.upper()}] {header_text(facts.title, 120)} #{facts.id}",
        "text": text or "An incident; its facts cannot be shown.\n",
        "html": "",
        "headers": {
            "From": sender,
            "To": recipient(message.address),
            "Message-ID": message_id(message, domain),
            "Auto-Submitted": "auto-generated",
        },
    }
    return Rendered(cut(f"❗ {facts.event.value.upper()} {told[0]} · #{facts.id}", 80), body)


def subject(facts: Facts) -> str:
    """Return the subject: what changes stands in brackets, so that an incident is one thread.

    Gmail leaves brackets at the front out when it compares subjects, and needs the rest to be equal.
    """
    tag = _TAGS.get(facts.event) or header_text(head(facts)[1], 20)
    if facts.event is Event.STILL_OPEN:
        tag = f"{tag} {open_for(facts)}"
    title = header_text(facts.title, 120)
    return f"[{tag}] {title} #{facts.id}" if facts.id else f"[{tag}] {title}"


def headers(message: Message, facts: Facts, sender: str, domain: str) -> dict[str, str]:
    """Return all headers but the subject and those of MIME. The set of names hangs on no data."""
    root_id = message.remote.get("message_id", "")
    named = envelope(message, facts, "incidents", sender, domain) | {
        "X-Watchdog-Incident": str(facts.id),
        "X-Watchdog-State": header_text(facts.state, 20),
        "X-Watchdog-Severity": header_text(facts.severity, 20),
        "X-Watchdog-Rule": header_text(facts.rule, 60),
        "X-Watchdog-Reason": reason_of(message, facts)[0],
    }
    if _MESSAGE_ID.fullmatch(root_id) and root_id != named["Message-ID"]:
        named |= {"In-Reply-To": root_id, "References": root_id}
    if facts.severity == "critical" and facts.state == "open" and is_owners(message, facts):
        named["Importance"] = "high"
    return named


def envelope(
    message: Message, facts: Facts | Report | Summary, what: str, sender: str, domain: str
) -> dict[str, str]:
    """Return the headers that every mail has.

    Args:
        what: What the mails of this list are about: `incidents`.
    """
    return {
        "From": _from(facts.team, sender),
        "To": recipient(message.address),
        "Date": format_datetime(facts.at),
        "Message-ID": message_id(message, domain),
        "List-Id": _list_id(facts.team, what, domain),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }


_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.-]{1,60}@[a-z0-9.-]{1,100}>")


def message_id(message: Message, domain: str) -> str:
    """Return the mail's id: the same for every attempt, so that receivers can tell duplicates.

    `<i1042.3.HASH@domain>`: incident, number of its event, recipient; `<week-2025-23.HASH@domain>`.
    Other reports and test mails are told apart by their key.
    """
    who = _digest(message.address.strip().lower())
    facts = message.facts
    if isinstance(facts, Facts) and facts.id:
        return f"<i{facts.id}.{message.number}.{who}@{domain}>"
    if isinstance(facts, Summary):
        return f"<week-{facts.name}.{who}@{domain}>"
    return f"<t{_digest(message.key)}.{message.number}.{who}@{domain}>"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def recipient(address: str) -> str:
    """Return the address if it is one that mail can be sent to, else an empty group."""
    return address if is_address(address) else "undisclosed-recipients:;"


def is_address(address: str) -> bool:
    """Return True for a plain ASCII address `name@host`."""
    return _ADDRESS.fullmatch(address) is not None and ".." not in address


def domain_of(base_url: str, sender: str) -> str:
    """Return what our ids end in: the host of the base URL, else the sender's, else `localhost`."""
    host = (urlsplit(base_url).hostname or "") if safe_url(base_url) else ""
    for one in (host, sender_address(sender).partition("@")[2].lower()):
        if _DOMAIN.fullmatch(one):
            return one
    return "localhost"


def sender_address(sender: str) -> str:
    """Return the bare address of `Name <address>`."""
    return parseaddr(sender)[1]


def _from(of_team: str, sender: str) -> str:
    team = header_text(of_team, 40).replace("\\", "").replace('"', "")
    name = f"Watchdog, team {team}" if team else "Watchdog"
    return f'"{name}" <{sender_address(sender)}>'


def _list_id(team: str, what: str, domain: str) -> str:
    label = _NOT_A_LABEL.sub("-", team.lower()).strip("-")[:40] or "team"
    return f"{what} of team {label} <{label}.{what}.{domain}>"


def preheader(facts: Facts) -> str:
    """Return what a list of mails shows beside the subject: what is wrong, who has it, who is next."""
    is_untaken = facts.state == "open" and not facts.owner_took_it
    owner = f"Owner {facts.owner}{', not taken' if is_untaken else ''}"
    row = unless_taken(facts)
    parts = (
        told_in_short(facts),
        owner if facts.owner else "",
        f"Next: {row_text(row, facts)}" if row else "",
    )
    return cut(" ".join(f"{part}." for part in parts if part), _PREHEADER_MAX)


def text_part(facts: Facts, story: Story, because: str, call: Call | None) -> str:
    """Return the mail as plain text, 76 columns wide; only links may be longer."""
    return "\n\n".join(_paragraphs(facts, story, because, call)) + "\n"


def _paragraphs(facts: Facts, story: Story, because: str, call: Call | None) -> Iterator[str]:
    headline = wrapped(f"{story.word}: {story.title}")
    yield f"{headline}\n{wrapped(story.lead)}" if story.lead else headline
    if story.quote:
        yield textwrap.fill(story.quote, COLUMNS, initial_indent="> ", subsequent_indent="> ")
    rows = "\n".join(_row(row, facts) for row in (*story.who, *story.guide))
    if link := safe_url(facts.runbook):
        rows = f"{rows}\n{'Runbook':<{_LABEL_COLUMNS}}{link}".lstrip("\n")
    if rows:
        yield rows
    if call:
        yield f"{call.label}{f' ({call.hint})' if call.hint else ''}:\n{call.url}"
    yield "\n".join(wrapped(one) for one in (" · ".join(story.facts_line), because) if one)


def wrapped(text: str) -> str:
    """Return a paragraph of the text part."""
    # Where it breaks a word that is too long, textwrap leaves the space before it.
    return "\n".join(line.rstrip() for line in textwrap.wrap(text, COLUMNS))


def _row(row: Row, facts: Facts) -> str:
    label = f"{row.label:<{_LABEL_COLUMNS - 1}} "
    return textwrap.fill(
        row_text(row, facts), COLUMNS, initial_indent=label, subsequent_indent=" " * _LABEL_COLUMNS
    )


def row_text(row: Row, facts: Facts) -> str:
    """Return a row's text, with its instant in the team's zone."""
    if row.at is None:
        return row.text
    return f"{row.text} {time_of_day(row.at, facts.zone, facts.at)} {zone_word(facts.zone)}"


def html_part(facts: Facts, story: Story, because: str, call: Call | None) -> str:
    """Return the mail as HTML: the same lines in the same order, under 20 KB, nothing from outside."""
    rows = [(row.label, row_text(row, facts)) for row in (*story.who, *story.guide)]
    return template("incident.html.j2").render(
        story=story,
        rows=rows,
        preheader=preheader(facts),
        runbook=(runbook := safe_url(facts.runbook)),
        runbook_parts=cut(runbook.partition("://")[2], _LINK_SHOWN_MAX).split("/"),
        call=call,
        page=facts.url,
        because=because,
        tone=_TONES.get(story.word, "#57606a"),
    )


_TONES = {
    "CRITICAL": "#b42318",
    "BACK AGAIN": "#b42318",
    "ESCALATED": "#b42318",
    "NOBODY": "#b42318",
    "WARNING": "#8f4700",
    "RECOVERED": "#1a6b34",
    "RESOLVED": "#1a6b34",
}
"""Colour of the bar beside the headline; the word says the same."""


@lru_cache
def template(name: str) -> "Template":
    """Return a template of ours; what it is given is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)
