"""What each dialog in Slack asks for, and when it may be asked. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifiers.line import bad_for
from notifiers.slack_buttons import Button
from notifiers.slack_dialogs import Choice, Day, Dialog, Field, Line
from notifiers.times import time_of_day, zone_word
from watchdog.domain import life, opinions, reminders
from watchdog.domain.closing import CAUSE_KINDS, UNNEEDED, Answer, Closing, Prevention, usual_due
from watchdog.domain.incident import Incident, Refused, State
from watchdog.domain.notices import standing
from watchdog.domain.people import Directory
from watchdog.domain.storms import Member
from watchdog.web.asking import SNOOZE_HOURS
from watchdog.web.silences import SPANS

TITLES = {
    "note": "Add a note",
    "handover": "Hand over",
    "snooze": "Snooze",
    "silence": "Silence this rule",
    "split": "Split one out",
    "not-actionable": "It needed nobody",
    "resolve": "Write cause and close",
    "reopen": "Keep open",
    "action-done": "It is done",
}
_SENDS = {
    "note": "Add note",
    "handover": "Offer it",
    "snooze": "Snooze",
    "silence": "Silence",
    "split": "Split out",
    "not-actionable": "Not actionable",
    "resolve": "Resolve",
    "reopen": "Keep open, it is mine",
    "action-done": "It is done",
}
_AT_THE_END = {Button.UNNEEDED: ("Resolve as false alarm", "Resolve")}
"""Title of a dialog, and what sends it, for what has recovered, if not the usual."""

FIRST_FIELD = {
    "handover": "to",
    "snooze": "hours",
    "silence": "lasts",
    "split": "member",
    "not-actionable": "why",
}
"""The first field of a dialog, where it is not its words."""


def require_possible(asked: Button, one: Incident, person: str, now: datetime) -> None:
    """Return if what a dialog is for would not be refused as things stand.

    Raises:
        Refused: It would be, whatever is written into the dialog.
    """
    if asked in _TRIED:
        _TRIED[asked](one, person, now)


def _try_silence(one: Incident, _person: str, _now: datetime) -> None:
    if not one.is_live:
        raise Refused(f"#{one.id} is {one.state}; there is nothing to silence")


def _try_split(one: Incident, _person: str, _now: datetime) -> None:
    if not one.is_storm or not one.is_live:
        raise Refused(f"#{one.id} is no storm that goes on; there is nothing to split out of it")


_SOMEBODY = "somebody"
_CLOSING = Closing("x", CAUSE_KINDS[0], Answer(Prevention.NOTHING_NEEDED, "x"))
_TRIED: Mapping[Button, Callable[[Incident, str, datetime], object]] = {
    Button.HAND_OVER: lambda one, person, now: life.offer(one, person, _SOMEBODY, "", now),
    Button.SNOOZE: lambda one, person, now: reminders.snooze(one, person, timedelta(hours=1), now),
    Button.UNNEEDED: lambda one, person, now: opinions.not_actionable(
        one, person, UNNEEDED[0], "", now
    ),
    Button.RESOLVE: lambda one, person, now: life.resolve(one, person, _CLOSING, now),
    Button.REOPEN: lambda one, person, now: opinions.reopen(one, person, "x", now),
    Button.DONE: lambda one, person, now: life.action_done(one, person, "", now),
    Button.SILENCE: _try_silence,
    Button.SPLIT: _try_split,
}
"""What is done with a dialog, tried with plausible answers; nothing comes of it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a dialog is made from.

    Attributes:
        person: Who is asked.
        members: What is bad in a storm.
    """

    one: Incident
    directory: Directory
    person: str
    now: datetime
    members: Sequence[Member] = ()


def dialog_of(asked: Button, scene: Scene) -> Dialog:
    """Return the dialog of a button.

    Raises:
        Refused: There is nothing to choose from.
    """
    one = scene.one
    bad = f"bad for {bad_for(standing(one, scene.directory, scene.now))}"
    about = f"#{one.id} {one.title}: {bad if asked is Button.RESOLVE else one.fact}"
    fields = _FIELDS[asked](scene)
    if any(isinstance(field, Choice) and not field.options for field in fields):
        raise Refused(f"#{one.id}: there is nothing to choose from")
    title, sends = TITLES[asked.value], _SENDS[asked.value]
    if one.state is State.RECOVERED:
        title, sends = _AT_THE_END.get(asked, (title, sends))
    return Dialog(title, sends, about, fields)


def _window(scene: Scene) -> str:
    """Return when it was bad, by its own data where they tell."""
    facts = standing(scene.one, scene.directory, scene.now)
    ended = facts.first_good_at or facts.recovered_at
    times = [facts.first_bad_at or facts.opened_at, *([ended] if ended else [])]
    told = " to ".join(time_of_day(at, facts.zone, scene.now) for at in times)
    return f"{told} {zone_word(facts.zone)}"


def _hand_over(scene: Scene) -> Sequence[Field]:
    others = [name for name in scene.directory.responders if name != scene.one.owner]
    return Choice("to", "To", _same(others)), Line("words", "What they should know", is_long=True)


def _snooze(_scene: Scene) -> Sequence[Field]:
    spans = [(str(hours), f"{hours} h") for hours in SNOOZE_HOURS]
    return (Choice("hours", "Without a reminder for", spans, "1"),)


def _silence(scene: Scene) -> Sequence[Field]:
    spans = Choice("lasts", "For", _same(SPANS), "1h")
    reason = Line("words", "Why; everybody reads it", is_needed=True)
    if not scene.one.entity:
        return spans, reason
    this = " ".join(f"{column}={value}" for column, value in scene.one.entity)
    which = Choice("entity", "What", [("this", f"Only {this}"), ("all", "The whole rule")], "this")
    return which, spans, reason


def _split(scene: Scene) -> Sequence[Field]:
    choices = [(str(member.number), f"{member.title}: {member.fact}") for member in scene.members]
    return (Choice("member", "Which becomes an incident of its own", choices),)


def _unneeded(scene: Scene) -> Sequence[Field]:
    return Choice("why", "Why", _same(UNNEEDED), scene.one.unneeded), Line("words", "More of it")


def _resolve(scene: Scene) -> Sequence[Field]:
    others = (name for name in scene.directory.responders if name != scene.person)
    window = Line("window", "When it was bad, if not as its data say", shadow=_window(scene))
    return (
        Line("words", "The cause, in one sentence", is_needed=True),
        Choice("kind", "Its kind", _same(CAUSE_KINDS)),
        window,
        Line("risk", "What may still happen, if anything"),
        Line("answer", "What stops it next time; or why nothing is needed", is_needed=True),
        Choice("prevention", "What that is", _same([one.value for one in Prevention])),
        Choice("doer", "Who does it", _same([scene.person, *others]), scene.person),
        Day("due", "By when", usual_due(scene.now)),
    )


def _words(label: str, *, is_needed: bool = True) -> Callable[[Scene], Sequence[Field]]:
    line = Line("words", label, is_needed=is_needed, is_long=True)
    return lambda _scene: (line,)


_FIELDS: Mapping[Button, Callable[[Scene], Sequence[Field]]] = {
    Button.NOTE: _words("What others should know"),
    Button.REOPEN: _words("What is not well"),
    Button.DONE: _words("What was done, if that needs to be said", is_needed=False),
    Button.HAND_OVER: _hand_over,
    Button.SNOOZE: _snooze,
    Button.SILENCE: _silence,
    Button.SPLIT: _split,
    Button.UNNEEDED: _unneeded,
    Button.RESOLVE: _resolve,
}


def _same(values: Sequence[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
