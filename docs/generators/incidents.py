"""How an incident moves, and what is told of it."""

from docs.generators.text import filled, row
from notifiers.base import Event
from notifiers.line import render_line
from notifiers.samples import sample
from watchdog.domain.incident import EDGES, State

MOVES = {
    (State.OPEN, State.TAKEN): "take",
    (State.TAKEN, State.OPEN): "give back, or silence",
    (State.OPEN, State.RECOVERED): "proven good",
    (State.TAKEN, State.RECOVERED): "proven good",
    (State.RECOVERED, State.OPEN): "back again",
    (State.RECOVERED, State.RESOLVED): "cause and answer, or 3 days",
    (State.OPEN, State.RESOLVED): "rule is gone, or joins a storm",
    (State.TAKEN, State.RESOLVED): "rule is gone",
}
EVENTS = {
    Event.OPENED: "It is bad for long enough; its owner is paged.",
    Event.LEVEL: "Its severity or its failure class changed. Worse is told like an opening.",
    Event.TAKEN: "Somebody has confirmed: it is mine.",
    Event.OFFERED: "Its owner asks somebody to take over.",
    Event.HANDED_OVER: "It has another owner, who took it.",
    Event.ESCALATED: "Nobody took it in time: the next person owns it, and is paged.",
    Event.EXHAUSTED: "Nobody is left to escalate to.",
    Event.EXPIRED: "Whoever took it fell silent; it is open again.",
    Event.LAPSED: "An offer to hand over was not answered.",
    Event.GIVEN_BACK: "Whoever took it cannot go on; it is open again.",
    Event.NOTED: "Somebody wrote what others should know.",
    Event.ACTION_ASKED: "Its owner wants to run an action that needs a second person.",
    Event.ACTION_BEGUN: "An action is run; the timeline keeps it, and what comes of it is told.",
    Event.ACTION_RAN: "What came of an action.",
    Event.RECOVERED: "It is good again, and that is proven.",
    Event.BACK_AGAIN: "Bad again soon after it recovered: the same incident.",
    Event.RESOLVED: "Over, with a cause and an answer.",
    Event.ACTION_DONE: "Its preventive action is done.",
    Event.FLAPPING: "It changes so often that it stays open until it is calm; nobody is pushed.",
    Event.SILENCED: "Somebody silences it for a while; nobody is paged for it until then.",
    Event.RELEASED: "Nothing hides it any more, and it is still bad: told like an opening.",
    Event.SILENCE_ENDS: "To whoever made the silence alone: it ends soon, and something is still bad.",
    Event.WITHDRAWN: "Its rule is gone or watches something else. Nobody says that it is fixed.",
    Event.STORM: "More new incidents than `storms:` allows are one; its owner is paged once.",
    Event.MEMBERS: "Members of a storm have joined it, or are good again.",
    Event.JOINED: "It is a member of a storm from now on, and told with it.",
    Event.SPLIT: "Somebody made a member of a storm an incident of its own.",
}


def page() -> str:
    """Return docs/incidents.md."""
    moves = [f"    [*] --> {State.OPEN}"]
    moves += [
        f"    {one} --> {two}: {MOVES[one, two]}" for one, two in MOVES if (one, two) in EDGES
    ]
    moves.append(f"    {State.RESOLVED} --> [*]")
    rows = [
        row((f"`{event}`", f"{render_line(sample(event))}", words))
        for event, words in EVENTS.items()
    ]
    return filled("incidents.md", {"diagram": "\n".join(moves), "events": "\n".join(rows)})
