"""Which rules page people for nothing, and what to do about it. Pure.

Noise is what pushes cost that nobody needed: off hours twice, at night four times.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from notifiers.summary import NoiseLine
from rules.spans import short_span
from watchdog.domain.closing import FALSE_ALARM, UNNEEDED, WITHDRAWN
from watchdog.domain.figures import History
from watchdog.domain.pages import Hours, Page

_WEIGHTS = {Hours.WORK: 1, Hours.OFF: 2, Hours.NIGHT: 4}
_FALSE_POSITIVE, _NOT_ACTIONABLE, _POOR_DETAILS = UNNEEDED
_MINUTE = timedelta(minutes=1)
_HOLDS = tuple(one * _MINUTE for one in (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180))
"""What `for` may be proposed to be: beyond some hours a page would come too late for anybody."""

_ADVICE = {
    _FALSE_POSITIVE: "correct its limit or its query",
    _NOT_ACTIONABLE: "send it to whoever can act, or make it `info`",
    _POOR_DETAILS: "say more in `impact` and `do_first`",
}
KEEP, LOOK = "keep it", "look at its limit"


def is_unneeded(one: History) -> bool:
    """Return whether it ended by itself and untaken, or somebody said that it needed nobody."""
    if one.unneeded or one.cause_kind == FALSE_ALARM:
        return True
    return not one.is_live and one.first_take is None and one.cause_kind != WITHDRAWN


def noisy_rules(
    own: Iterable[History], pages: Iterable[Page], waits: Mapping[str, timedelta | None]
) -> tuple[NoiseLine, ...]:
    """Return everything that fired: the noisiest first, then what fired most.

    Args:
        waits: For how long each rule must be bad before it opens; None: its `for` changes nothing. What is
            not in it is no rule, such as a storm, and gets no advice: there is nothing to write it into.
    """
    weights: Counter[int] = Counter()
    for page in pages:
        weights[page.incident] += _WEIGHTS[page.hours]
    fired: dict[str, list[History]] = {}
    for one in own:
        fired.setdefault(one.opening.rule, []).append(one)
    lines = [_line(rule, histories, weights, waits) for rule, histories in fired.items()]
    return tuple(sorted(lines, key=lambda one: (-one.noise, -one.fired, one.rule)))


def _line(
    rule: str,
    fired: Sequence[History],
    weights: Counter[int],
    waits: Mapping[str, timedelta | None],
) -> NoiseLine:
    unneeded = [one for one in fired if is_unneeded(one)]
    return NoiseLine(
        rule=rule,
        fired=len(fired),
        needed=len(fired) - len(unneeded),
        useful=sum(one.is_useful for one in fired),
        noise=sum(weights[one.id] for one in unneeded),
        advice=advice(fired, waits[rule]) if rule in waits else "",
    )


def advice(fired: Sequence[History], wait: timedelta | None) -> str:
    """Return what to do about a rule after what it has fired, in a few words.

    Args:
        wait: For how long it must be bad before it opens; None: its `for` changes nothing.
    """
    unneeded = [one for one in fired if is_unneeded(one)]
    if not unneeded:
        return KEEP
    said = Counter(
        one.unneeded or _FALSE_POSITIVE
        for one in unneeded
        if one.unneeded or one.cause_kind == FALSE_ALARM
    )
    if said and 2 * said.total() >= len(unneeded):
        [(reason, times)] = said.most_common(1)
        return f"{reason} ({times}×): {_ADVICE.get(reason, LOOK)}"
    return LOOK if wait is None else _longer_wait(fired, wait) or LOOK


def _longer_wait(fired: Sequence[History], wait: timedelta) -> str:
    """Return the shortest `for` that spares most, and nothing that was needed; at least half of it.

    Empty if there is none. What has not recovered outlasts every wait. A wait begins with the first bad
    check, whatever the data say of how long it had been bad by then.
    """
    spans = [
        (wait + (one.first_good_at - one.opening.opened_at), is_unneeded(one))
        for one in fired
        if one.first_good_at
    ]
    best, spared = timedelta(), 0
    for hold in (one for one in _HOLDS if one > wait):
        over = [is_vain for span, is_vain in spans if span <= hold]
        if not all(over):
            break
        if len(over) > spared:
            best, spared = hold, len(over)
    if 2 * spared < len(fired):
        return ""
    return f"with `for: {short_span(best)}` it would {_times(len(fired) - spared)}"


def _times(count: int) -> str:
    return {0: "never have fired", 1: "have fired once"}.get(count, f"have fired {count} times")
