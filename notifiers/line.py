"""The push line: what a phone shows of a message, the same on every surface."""

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
    fact = _fact(facts)
    room = LINE_MAX - len(begin) - len(end) - (2 if fact else 0)
    title = cut(facts.title, min(TITLE_MAX, max(1, room - min(len(fact), _FACT_MIN))))
    told = f": {cut(fact, max(1, room - len(title)))}" if fact else ""
    return cut(f"{begin}{title}{told}{end}", LINE_MAX)


def _end(facts: Facts) -> str:
    owner = "" if facts.event in _WITHOUT_OWNER else cut(facts.owner, _OWNER_MAX)
    number = f"#{facts.id}" if facts.id else ""
    return "".join(f" · {part}" for part in (owner, number) if part)


def _fact(facts: Facts) -> str:  # noqa: C901, PLR0911, PLR0912 (one case an event)
    match facts.event:
        case Event.OPENED | Event.STORM | Event.MEMBERS | Event.RELEASED:
            return facts.fact
        case Event.LEVEL:
            value = facts.fact.partition(" (")[0]  # the limit gives way: it has changed anyway
            return f"{value}, {_level_before(facts)}"
        case Event.TAKEN:
            took = (facts.taken_at or facts.at) - facts.opened_at
            return f"by {facts.owner} after {short_span(took)}"
        case Event.OFFERED:
            who = facts.words.partition(": ")[0].replace(" → ", " asks ", 1)
            return f"{who}, open {open_for(facts)}"
        case Event.HANDED_OVER:
            return f"{facts.words}, open {open_for(facts)}"
        case Event.ESCALATED | Event.MISSED | Event.EXHAUSTED | Event.LAPSED:
            return facts.words
        case Event.STILL_OPEN | Event.CAUSE_ASKED | Event.ACTION_LATE:
            return facts.words
        case Event.ACTION_DONE | Event.ACTION_RAN:
            return facts.words
        case Event.FLAPPING | Event.SILENCED | Event.SILENCE_ENDS:
            return facts.words
        case Event.DECLINED:
            return facts.words.partition(": ")[0]
        case Event.SNOOZED:
            return f"{facts.words}, by {facts.actor}"
        case Event.NOT_ACTIONABLE:
            return f"{facts.words.partition(': ')[0]}, says {facts.actor}"
        case Event.EXPIRED:
            return f"{facts.words}, not taken"
        case Event.GIVEN_BACK:
            return f"{facts.words.partition(': ')[0]}, open {open_for(facts)}"
        case Event.NOTED:
            return f"{facts.actor} wrote “{facts.words}”"
        case Event.ACTION_ASKED:
            return f"{facts.actor} asks: {facts.words}"
        case Event.ACTION_BEGUN:
            return f"{facts.actor}: {facts.words}"
        case Event.REOPENED:
            return f"{facts.actor} says “{facts.words}”"
        case Event.RECOVERED:
            return f"bad {bad_for(facts)}, {facts.cause or 'cause missing'}"
        case Event.RESOLVED:
            return f"{open_for(facts)}, {facts.cause or facts.words or 'cause missing'}"
        case Event.BACK_AGAIN:
            return came_back(facts)
        case Event.WITHDRAWN:
            return facts.words or "no longer watched"
        case Event.JOINED | Event.SPLIT:
            return facts.words
        case Event.TEST:
            return facts.words or facts.fact


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
