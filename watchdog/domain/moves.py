"""Every move that an incident can make: in which state what may happen, by whom, and to which state it leads.

The one table of it. Each step is checked against it, the schema is compared with it, and the diagram
in the documents is drawn from it.
"""

from enum import StrEnum

from notifiers.base import Event
from rules.values import dataclass
from watchdog.domain.incident import State


class By(StrEnum):
    """Who makes a move."""

    SERVICE = "the service"
    OWNER = "its owner"
    ASKED = "whoever is asked"
    ANYBODY = "any responder"


@dataclass(frozen=True, slots=True)
class Move:
    """What may happen in a state.

    Attributes:
        before: None for the opening.
    """

    before: State | None
    event: Event
    after: State
    by: tuple[By, ...]


_OPEN, _TAKEN, _RECOVERED, _RESOLVED = State


def _stays(event: Event, states: tuple[State, ...], *by: By) -> tuple[Move, ...]:
    return tuple(Move(state, event, state, by) for state in states)


_BAD = (_OPEN, _TAKEN)
_NOT_OVER = (*_BAD, _RECOVERED)

MOVES: tuple[Move, ...] = (
    Move(None, Event.OPENED, _OPEN, (By.SERVICE,)),
    Move(None, Event.STORM, _OPEN, (By.SERVICE,)),
    Move(_OPEN, Event.TAKEN, _TAKEN, (By.ANYBODY,)),
    Move(_TAKEN, Event.EXPIRED, _OPEN, (By.SERVICE,)),
    Move(_TAKEN, Event.GIVEN_BACK, _OPEN, (By.OWNER,)),
    Move(_OPEN, Event.RECOVERED, _RECOVERED, (By.SERVICE,)),
    Move(_TAKEN, Event.RECOVERED, _RECOVERED, (By.SERVICE,)),
    Move(_RECOVERED, Event.BACK_AGAIN, _OPEN, (By.SERVICE,)),
    Move(_RECOVERED, Event.REOPENED, _TAKEN, (By.ANYBODY,)),
    Move(_RESOLVED, Event.REOPENED, _TAKEN, (By.ANYBODY,)),
    Move(_RECOVERED, Event.RESOLVED, _RESOLVED, (By.ANYBODY, By.SERVICE)),
    # Only what a person has reopened though its checks are good: no check will end it.
    Move(_OPEN, Event.RESOLVED, _RESOLVED, (By.OWNER,)),
    Move(_TAKEN, Event.RESOLVED, _RESOLVED, (By.OWNER,)),
    Move(_OPEN, Event.WITHDRAWN, _RESOLVED, (By.SERVICE,)),
    Move(_TAKEN, Event.WITHDRAWN, _RESOLVED, (By.SERVICE,)),
    Move(_OPEN, Event.JOINED, _RESOLVED, (By.SERVICE,)),
    *_stays(Event.LEVEL, _BAD, By.SERVICE),
    *_stays(Event.BACK_AGAIN, _BAD, By.SERVICE),
    *_stays(Event.ESCALATED, (_OPEN,), By.SERVICE, By.ANYBODY),
    *_stays(Event.MISSED, (_OPEN,), By.SERVICE),
    *_stays(Event.EXHAUSTED, (_OPEN,), By.SERVICE),
    *_stays(Event.MEMBERS, _BAD, By.SERVICE),
    *_stays(Event.SPLIT, _BAD, By.ANYBODY),
    *_stays(Event.FLAPPING, _BAD, By.SERVICE),
    *_stays(Event.SILENCED, _BAD, By.ANYBODY),
    *_stays(Event.RELEASED, _BAD, By.SERVICE, By.ANYBODY),
    *_stays(Event.SILENCE_ENDS, _BAD, By.SERVICE),
    *_stays(Event.ACTION_ASKED, _BAD, By.OWNER),
    *_stays(Event.ACTION_BEGUN, _BAD, By.OWNER, By.ANYBODY),
    *_stays(Event.ACTION_RAN, tuple(State), By.SERVICE, By.ANYBODY),
    *_stays(Event.OFFERED, _NOT_OVER, By.OWNER),
    *_stays(Event.DECLINED, _NOT_OVER, By.ASKED),
    *_stays(Event.LAPSED, _NOT_OVER, By.SERVICE),
    *_stays(Event.HANDED_OVER, (_TAKEN, _RECOVERED), By.ASKED, By.ANYBODY),
    *_stays(Event.SNOOZED, (_TAKEN,), By.OWNER),
    *_stays(Event.STILL_OPEN, (_TAKEN,), By.SERVICE),
    *_stays(Event.NOT_ACTIONABLE, _BAD, By.ANYBODY),
    *_stays(Event.CAUSE_ASKED, (_RECOVERED,), By.SERVICE),
    *_stays(Event.ACTION_LATE, (_RESOLVED,), By.SERVICE),
    *_stays(Event.ACTION_DONE, (_RESOLVED,), By.ANYBODY),
    *_stays(Event.NOTED, tuple(State), By.ANYBODY),
)

LEADS_TO: dict[tuple[State | None, Event], State] = {
    (one.before, one.event): one.after for one in MOVES
}
"""The state that an event leads to; what is not in here cannot happen in that state."""

EDGES: frozenset[tuple[State, State]] = frozenset(
    (one.before, one.after) for one in MOVES if one.before and one.before is not one.after
)
"""Changes of state that some event makes."""
