"""Which lines below a message must be seen at once: an edit pushes nobody's phone, a reply hardly."""

from notifiers.base import Event, Facts

_SEEN_AT_ONCE = {
    *(Event.BACK_AGAIN, Event.ESCALATED, Event.MISSED, Event.EXHAUSTED, Event.EXPIRED),
    *(Event.REOPENED, Event.RELEASED),
}
_WORSE = {("warning", "critical"), ("info", "critical"), ("info", "warning")}


def is_broadcast(facts: Facts, address: str) -> bool:
    """Return whether a line below a message is shown in the channel, too; to a person it always is."""
    is_worse = (facts.previous_severity, facts.severity) in _WORSE
    to_a_person = address.startswith("@")
    return to_a_person or facts.event in _SEEN_AT_ONCE or (facts.event is Event.LEVEL and is_worse)
