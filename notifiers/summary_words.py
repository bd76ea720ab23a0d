"""What the weekly summary says: one subject, one sentence, six cards, and sections of lines. Pure.

Mail, plain text and page have these same words in the same order.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from notifiers.clean import cut, one_line, safe_url
from notifiers.summary import Summary
from notifiers.summary_sections import count_of, decisions
from notifiers.times import said_span, weekday_and_day, weekday_name, zone_word

GLYPH = "🗓"
LINE_MAX = 80

DEFINITIONS = (
    "Taken after: median from the opening to the first Take. What nobody took is not in it.",
    "Working after: median from the opening to the first good check of the run that ended it.",
    "Time not taken: open and not taken, summed over incidents, around the clock.",
    "Page at night: sent from 22:00 to 08:00 in the person's own zone; within 60 s they count once. "
    "Useful: taken, with a cause other than a false alarm.",
)


@dataclass(frozen=True, slots=True)
class Card:
    """A figure of the week beside that of the week before.

    Attributes:
        change: Such as `▼ -5 better, was 17`; `so far` in a week that is not over: it is compared with none.
        tone: `better`, `worse` or `same`.
    """

    label: str
    value: str
    change: str
    tone: str


def tidy_summary(summary: Summary) -> Summary:
    """Return the summary with its names on one line and a link that may be followed.

    Renderers work on tidy summaries only; rows are made fit where they are said.
    """
    return replace(
        summary,
        report=cut(one_line(summary.report), 60),
        teams=tuple(cut(one_line(one), 40) for one in summary.teams),
        zone=cut(one_line(summary.zone), 60),
        title=cut(one_line(summary.title), 60) or f"Week {summary.week}",
        url=safe_url(summary.url),
    )


def subject(summary: Summary) -> str:
    """Return the result in a line: `Week 23: 12 incidents (5 fewer), 1 still open, 3 to decide`."""
    name = f"Week {summary.week}" + ("" if summary.is_over else " so far")
    if is_quiet(summary):
        return f"{name}: quiet, {watched(summary)}"
    parts = [_counted_incidents(summary)]
    if summary.open_total:
        parts.append(f"{summary.open_total} still open")
    if to_decide := len(decisions(summary)):
        parts.append(f"{to_decide} to decide")
    return f"{name}: {', '.join(parts)}"


def line(summary: Summary) -> str:
    """Return the push line of a tidy summary, at most 80 code points."""
    return cut(f"{GLYPH} {subject(summary)}", LINE_MAX)


def is_quiet(summary: Summary) -> bool:
    """Return whether nothing happened and nothing is asked of anybody."""
    return not summary.counted.incidents and not summary.open_total and not decisions(summary)


def _counted_incidents(summary: Summary) -> str:
    counted = count_of(summary.counted.incidents, "incident")
    return f"{counted} ({_more_or_fewer(summary)})" if summary.is_over else counted


def _more_or_fewer(summary: Summary) -> str:
    change = summary.counted.incidents - summary.before.incidents
    if not change:
        return "as many as before"
    return f"{abs(change)} {'more' if change > 0 else 'fewer'}"


def watched(summary: Summary) -> str:
    """Return how many rules are watched, how often, and whether there was a gap, as far as it is known."""
    every = summary.slowest_every
    often = (
        "every minute" if every <= timedelta(minutes=1) else f"at least every {said_span(every)}"
    )
    told = f"{count_of(summary.rules, 'rule')} checked {often}"
    if summary.unlooked is None:
        return told
    if summary.unlooked:
        return f"{told}, but {count_of(summary.unlooked, 'check')} missing"
    return f"{told} without a gap"


def preheader(summary: Summary) -> str:
    """Return what a list of mails shows beside the subject."""
    still = f"{summary.open_total} still open. " if summary.open_total else ""
    asked = decisions(summary)
    if asked:
        return cut(f"{still}Decide: {'; '.join(one.head for one in asked)}.", 140)
    return f"{still}{_sentence(watched(summary))}"


def opening(summary: Summary) -> str:
    """Return the week in one or two sentences: incidents and change, still open, waiting and where."""
    if not summary.counted.incidents:
        still = f" {_still_open(summary)}" if summary.open_total else ""
        return f"No incident opened.{still} {_sentence(watched(summary))}"
    compared = f", {_than_last_week(summary)}" if summary.is_over else " so far"
    told = f"{count_of(summary.counted.incidents, 'incident')}{compared}."
    return f"{told} {_still_open(summary)} {_waited(summary)}".strip()


def _than_last_week(summary: Summary) -> str:
    change = _more_or_fewer(summary)
    return "as many as the week before" if change.startswith("as") else f"{change} than last week"


def _still_open(summary: Summary) -> str:
    if not summary.open_total:
        return "None is still open."
    return (
        "One is still open." if summary.open_total == 1 else f"{summary.open_total} are still open."
    )


def _waited(summary: Summary) -> str:
    waited = summary.counted.time_not_taken
    if not waited:
        return "None had to wait for somebody."
    where = f", most of it on {weekday_name(summary.worst_day)}" if summary.worst_day else ""
    return f"Together they waited {said_span(waited)} to be taken{where}."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def when(summary: Summary) -> str:
    """Return the days of the week, whose it is, and by which clock."""
    sunday = summary.monday + timedelta(days=6)
    days = f"{weekday_and_day(summary.monday)} to {weekday_and_day(sunday)} {sunday.year}"
    teams = ", ".join(summary.teams[:4])
    if len(summary.teams) > 4:
        teams += f" and {len(summary.teams) - 4} more"
    whose = [f"team{'' if len(summary.teams) == 1 else 's'} {teams}"] if teams else []
    return " · ".join([days, *whose, f"times in {zone_word(summary.zone)}"])


def cards(summary: Summary) -> tuple[Card, ...]:
    """Return the six figures of the week; of each of them less is better."""
    now, then = summary.counted, summary.before
    found = (
        _number("Incidents", now.incidents, then.incidents),
        _span("Taken after (median)", now.mtta, then.mtta),
        _span("Slowest 10 %", now.slowest_takes, then.slowest_takes),
        _span("Working after (median)", now.mttr, then.mttr),
        _span("Time not taken", now.time_not_taken, then.time_not_taken),
        _number("Pages at night", now.night_pages, then.night_pages),
    )
    if summary.is_over:
        return found
    return tuple(replace(one, change="so far", tone="same") for one in found)


def _number(label: str, now: int, then: int) -> Card:
    tone = _tone(now, then)
    if tone == "same":
        return Card(label, f"{now:,}", "as the week before", tone)
    return Card(label, f"{now:,}", f"{_ARROWS[tone]} {now - then:+,} {tone}, was {then:,}", tone)


def _span(label: str, now: timedelta | None, then: timedelta | None) -> Card:
    value = "–" if now is None else said_span(now)
    if now is None or then is None:
        was = "nothing to compare" if then is None else f"was {said_span(then)}"
        return Card(label, value, was, "same")
    # What reads the same is the same.
    tone = "same" if said_span(now) == said_span(then) else _tone(now, then)
    if tone == "same":
        return Card(label, value, "as the week before", tone)
    sign = "+" if now > then else "-"
    change = f"{_ARROWS[tone]} {sign}{said_span(abs(now - then))} {tone}, was {said_span(then)}"
    return Card(label, value, change, tone)


_ARROWS = {"better": "▼", "worse": "▲"}


def _tone(now: int | timedelta, then: int | timedelta) -> str:
    if now == then:
        return "same"
    return "better" if now < then else "worse"  # type: ignore[operator]  # both of one type
