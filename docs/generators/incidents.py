"""How an incident moves, and what is told of it."""

from docs.generators.text import filled, row
from notifiers.base import Event
from notifiers.line import render_line
from notifiers.samples import sample
from watchdog.domain.incident import State
from watchdog.domain.moves import EDGES, MOVES, Move

EVENTS = {
    Event.OPENED: "It is bad for long enough; its owner is paged.",
    Event.LEVEL: "Its severity or its failure class changed. Worse is told like an opening.",
    Event.TAKEN: "Somebody has confirmed: it is mine.",
    Event.OFFERED: "Its owner asks somebody to take over.",
    Event.DECLINED: "Whoever was asked does not take it; its owner keeps it.",
    Event.LAPSED: "An offer to hand over was not answered.",
    Event.HANDED_OVER: "It has another owner, who took it.",
    Event.SNOOZED: "Its owner is on it, and wants no reminder for a while.",
    Event.ESCALATED: "Nobody took it in time: the next person owns it, and is paged.",
    Event.MISSED: "Its owner cannot be reached: the next person owns it at once, and is paged.",
    Event.EXHAUSTED: "Nobody is left to escalate to.",
    Event.EXPIRED: "Whoever took it fell silent; it is open again.",
    Event.GIVEN_BACK: "Whoever took it cannot go on; it is open again.",
    Event.NOTED: "Somebody wrote what others should know.",
    Event.ACTION_ASKED: "Its owner wants to run an action that needs a second person.",
    Event.ACTION_BEGUN: "An action is run; the timeline keeps it, and what comes of it is told.",
    Event.ACTION_RAN: "What came of an action.",
    Event.NOT_ACTIONABLE: "Somebody says that it needed nobody, and why.",
    Event.STILL_OPEN: "Its owner is reminded of it.",
    Event.RECOVERED: "It is good again, and that is proven.",
    Event.BACK_AGAIN: "Bad again soon after it recovered, or was reopened: the same incident.",
    Event.REOPENED: "Its checks are good, but somebody sees that it is not well; they have it.",
    Event.CAUSE_ASKED: "Its owner is asked for the cause, and for what stops it next time.",
    Event.RESOLVED: "Over, with a cause and an answer.",
    Event.ACTION_LATE: "Its preventive action is late; whoever does it is reminded.",
    Event.ACTION_DONE: "Its preventive action is done.",
    Event.FLAPPING: "It changes so often that it stays open until it is calm; nobody is pushed.",
    Event.WITHDRAWN: "What it is about is not watched any more. Nobody says that it is fixed.",
    Event.SILENCED: "Somebody silences it for a while; nobody is paged for it until then.",
    Event.RELEASED: "Nothing hides it any more, and it is still bad: told like an opening.",
    Event.SILENCE_ENDS: "To whoever made the silence alone: it ends soon, and something is still bad.",
    Event.STORM: "More new incidents than `storms:` allows are one; its owner is paged once.",
    Event.MEMBERS: "Members of a storm have joined it, or are good again.",
    Event.JOINED: "It is a member of a storm from now on, and told with it.",
    Event.SPLIT: "Somebody made a member of a storm an incident of its own.",
}


def page() -> str:
    """Return docs/incidents.md."""
    told = [
        row((f"`{event}`", f"{render_line(sample(event))}", words))
        for event, words in EVENTS.items()
    ]
    parts = {"diagram": _diagram(), "moves": _stays(), "events": "\n".join(told)}
    return filled("incidents.md", parts)


def _diagram() -> str:
    """Return the changes of state as Mermaid draws them, in the order of the table."""
    begins = ", ".join(_event(one) for one in MOVES if one.before is None)
    lines = [f"    [*] --> {State.OPEN}: {begins}"]
    edges = dict.fromkeys((one.before, one.after) for one in MOVES)
    for before, after in edges:
        if before and (before, after) in EDGES:
            events = [_event(one) for one in MOVES if (one.before, one.after) == (before, after)]
            lines.append(f"    {before} --> {after}: {', '.join(events)}")
    return "\n".join([*lines, f"    {State.RESOLVED} --> [*]"])


def _event(move: Move) -> str:
    return f"{move.event} ({' or '.join(move.by)})".replace("_", " ")


def _stays() -> str:
    """Return the rows of what happens without a change of state."""
    states: dict[Event, list[Move]] = {}
    for one in MOVES:
        if one.before is one.after:
            states.setdefault(one.event, []).append(one)
    return "\n".join(
        row((f"`{event}`", ", ".join(one.after for one in moves), " or ".join(moves[0].by)))
        for event, moves in states.items()
    )
