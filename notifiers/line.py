"""The push line: what a phone shows of a message, the same on every surface."""

from collections.abc import Callable

from notifiers.base import Event, Facts
from notifiers.clean import cut, tidy
from notifiers.times import short_span, time_of_day

LINE_MAX = 80
"""Code points of a push line, at most."""

TITLE_MAX = 32
_OWNER_MAX = 14
_FACT_MIN = 12

_SEVERITY_HEADS = {
    "critical": ("🔴", "CRITICAL"),
    "warning": ("🔶", "WARNING"),
    "info": ("🟦", "INFO"),
}
_EVENT_HEADS = {
    Event.TAKEN: ("👀", "TAKEN"),
    Event.OFFERED: ("🤝", "HANDOVER"),
    Event.DECLINED: ("🙅", "DECLINED"),
    Event.HANDED_OVER: ("🤝", "HANDOVER"),
    Event.SNOOZED: ("💤", "SNOOZED"),
    Event.ESCALATED: ("⏫", "ESCALATED"),
    Event.MISSED: ("📵", "MISSED"),
    Event.EXHAUSTED: ("🆘", "NOBODY"),
    Event.EXPIRED: ("⌛", "EXPIRED"),
    Event.LAPSED: ("⌛", "NO ANSWER"),
    Event.GIVEN_BACK: ("👐", "GIVEN BACK"),
    Event.NOTED: ("📝", "NOTE"),
    Event.ACTION_ASKED: ("✋", "APPROVE"),
    Event.ACTION_BEGUN: ("🔧", "BEGUN"),
    Event.ACTION_RAN: ("🔧", "ACTION"),
    Event.NOT_ACTIONABLE: ("🔕", "NOISE"),
    Event.STILL_OPEN: ("⏳", "STILL OPEN"),
    Event.RECOVERED: ("🟢", "RECOVERED"),
    Event.BACK_AGAIN: ("🔁", "BACK AGAIN"),
    Event.REOPENED: ("🚪", "REOPENED"),
    Event.CAUSE_ASKED: ("🛠", "ACTION"),
    Event.RESOLVED: ("✅", "RESOLVED"),
    Event.ACTION_LATE: ("⏰", "LATE"),
    Event.ACTION_DONE: ("🛠", "DONE"),
    Event.WITHDRAWN: ("⏹", "WITHDRAWN"),
    Event.STORM: ("⛈", "STORM"),
    Event.MEMBERS: ("⛈", "STORM"),
    Event.JOINED: ("↪", "JOINED"),
    Event.SPLIT: ("⛈", "STORM"),
    Event.FLAPPING: ("〰", "FLAPPING"),
    Event.SILENCED: ("🔕", "SILENCED"),
    Event.RELEASED: ("📢", "STILL BAD"),
    Event.SILENCE_ENDS: ("⏰", "SILENCE"),
    Event.TEST: ("🔔", "TEST"),
}
_WITHOUT_OWNER = {
    *(Event.TAKEN, Event.OFFERED, Event.HANDED_OVER, Event.NOTED),
    *(Event.ESCALATED, Event.EXPIRED, Event.GIVEN_BACK, Event.LAPSED, Event.SILENCED),
    *(Event.ACTION_ASKED, Event.ACTION_BEGUN, Event.ACTION_RAN),
    *(Event.MISSED, Event.DECLINED, Event.SNOOZED, Event.REOPENED, Event.NOT_ACTIONABLE),
    Event.ACTION_LATE,
}


def head(facts: Facts) -> tuple[str, str]:
    """Return the glyph and the word that a message begins with."""
    if facts.event in _EVENT_HEADS:
        return _EVENT_HEADS[facts.event]
    unknown = ("❗", cut(facts.severity.upper(), 9) or "OPEN")
    return _SEVERITY_HEADS.get(facts.severity, unknown)


def render_line(facts: Facts) -> str:
    """Return the push line: `{glyph} {WORD} {title}: {fact} · {owner} · #{id}`.

    At most 80 code points for any facts; the title, cut to 32, starts within the first 14. Fact and
    title give way to each other: the fact keeps at least 12. The owner is left out where the fact
    names who has it.
    """
    facts = tidy(facts)
    glyph, word = head(facts)
    begin = f"{glyph} {word} "
    end = _end(facts)
    fact = told_in_short(facts)
    room = LINE_MAX - len(begin) - len(end) - (2 if fact else 0)
    title = cut(facts.title, min(TITLE_MAX, max(1, room - min(len(fact), _FACT_MIN))))
    told = f": {cut(fact, max(1, room - len(title)))}" if fact else ""
    return cut(f"{begin}{title}{told}{end}", LINE_MAX)


def _end(facts: Facts) -> str:
    owner = "" if facts.event in _WITHOUT_OWNER else cut(facts.owner, _OWNER_MAX)
    number = f"#{facts.id}" if facts.id else ""
    return "".join(f" · {part}" for part in (owner, number) if part)


_FACTS = {
    **dict.fromkeys((Event.OPENED, Event.STORM, Event.MEMBERS, Event.RELEASED), "{0.fact}"),
    Event.HANDED_OVER: "{0.words}, open {open_for}",
    Event.SNOOZED: "{0.words}, by {0.actor}",
    Event.NOT_ACTIONABLE: "{before_note}, says {0.actor}",
    Event.DECLINED: "{before_note}",
    Event.EXPIRED: "{0.words}, not taken",
    Event.GIVEN_BACK: "{before_note}, open {open_for}",
    Event.NOTED: "{0.actor} wrote “{0.words}”",
    Event.ACTION_ASKED: "{0.actor} asks: {0.words}",
    Event.ACTION_BEGUN: "{0.actor}: {0.words}",
    Event.REOPENED: "{0.actor} says “{0.words}”",
}
"""How an event is said in short where a pattern is enough; where none stands, in its own words."""


def told_in_short(facts: Facts) -> str:
    """Return what the push line says between title and owner, of tidy facts."""
    if facts.event in _SAID:
        return _SAID[facts.event](facts)
    before_note = _before_note(facts)
    pattern = _FACTS.get(facts.event, "{0.words}")
    return pattern.format(facts, before_note=before_note, open_for=open_for(facts))


def _before_note(facts: Facts) -> str:
    return facts.words.partition(": ")[0]


def _level(facts: Facts) -> str:
    value = facts.fact.partition(" (")[0]  # the limit gives way: it has changed anyway
    return f"{value}, {_level_before(facts)}"


def _level_before(facts: Facts) -> str:
    before = facts.previous_severity
    if facts.severity == "critical":
        return f"{before} since {time_of_day(facts.opened_at, facts.zone, facts.at)}"
    return f"was {before}"


def came_back(facts: Facts) -> str:
    """Return how long after its recovery it came back, without the fact that may follow."""
    if facts.recovered_at is not None:
        return f"{short_span(facts.at - facts.recovered_at)} after it recovered"
    return facts.words.removesuffix(f": {facts.fact}") or facts.fact


def open_for(facts: Facts) -> str:
    """Return how long it has been, or was, an incident."""
    return short_span(facts.at - facts.opened_at)


def bad_for(facts: Facts) -> str:
    """Return how long the watched thing was bad, by its own data where they tell."""
    since = facts.first_bad_at or facts.opened_at
    until = facts.first_good_at or facts.recovered_at or facts.at
    return short_span(until - since)


def _taken(facts: Facts) -> str:
    took = (facts.taken_at or facts.at) - facts.opened_at
    return f"by {facts.owner} after {short_span(took)}"


def _offered(facts: Facts) -> str:
    return f"{_before_note(facts).replace(' → ', ' asks ', 1)}, open {open_for(facts)}"


def _recovered(facts: Facts) -> str:
    return f"bad {bad_for(facts)}, {facts.cause or 'cause missing'}"


def _resolved(facts: Facts) -> str:
    return f"{open_for(facts)}, {facts.cause or facts.words or 'cause missing'}"


def _withdrawn(facts: Facts) -> str:
    return facts.words or "no longer watched"


def _test(facts: Facts) -> str:
    return facts.words or facts.fact


_SAID: dict[Event, Callable[[Facts], str]] = {
    Event.LEVEL: _level,
    Event.TAKEN: _taken,
    Event.OFFERED: _offered,
    Event.RECOVERED: _recovered,
    Event.RESOLVED: _resolved,
    Event.BACK_AGAIN: came_back,
    Event.WITHDRAWN: _withdrawn,
    Event.TEST: _test,
}
