"""The scenarios that the demo can play."""

from datetime import timedelta

from watchdog.demo.failure import Expected
from watchdog.demo.failures import FAILURES
from watchdog.demo.scenario import Scenario, Turn

_REPEATED = Expected(
    "zendesk_sync-runs-failing", "warning", "transient", repeats=True, team="engineering"
)


def _at(minutes: int, seconds: int) -> timedelta:
    return timedelta(minutes=minutes, seconds=seconds)


def _breaks(after: timedelta, failure_id: str, says: str) -> Turn:
    """Return the turn in which a failure breaks as it always does."""
    failure = FAILURES[failure_id]
    return Turn(after, says, (failure_id,), opens=failure.opens, holds=failure.holds)


# fmt: off
BAD_MORNING = Scenario(
    "bad-morning",
    "Eight failures in ten minutes: what is told to whom, what is held, what stays silent",
    (
        _breaks(
            _at(0, 0), "Z1a",
            "The tickets are older than allowed, but good runs found nothing to fetch: that excuses it, and "
            "nobody is woken.",
        ),
        _breaks(
            _at(0, 45), "S1",
            "One incident, and one owner: whoever of support-ops is on call. It is paged once, and taken by "
            "`watchdog take ID --as NAME`.",
        ),
        _breaks(
            _at(1, 30), "S7-back",
            "Support-ops is asked who moved it. Soon a hundred contacts change at once, which would be "
            "critical on any other day: while it catches up, and for two hours after, that alarms nobody.",
        ),
        _breaks(
            _at(2, 15), "B8",
            "Every organisation that is due misses its slot, and engineering is paged once: they all have "
            "this one cause, and each of them is held under it.",
        ),
        Turn(
            _at(3, 0),
            "The first customers write. There was no incident, so there is no recovery to tell of.",
            mends=("Z1a",),
        ),
        _breaks(
            _at(3, 30), "E1",
            "After three probes support-ops is paged, in Slack and by mail. That the desk is neither healthy "
            "nor ready follows from it, and is held.",
        ),
        _breaks(
            _at(4, 15), "Z2",
            "A warning for support-ops. Its evidence has the latest runs, with their error.",
        ),
        _breaks(
            _at(5, 0), "W2",
            "Support-ops is paged once, not seven times; each repository alone is held under all of them.",
        ),
        Turn(
            _at(5, 30),
            "It has recovered only with all three proofs: a new run, fresh tickets, and what it wrote.",
            mends=("Z2",),
        ),
        Turn(
            _at(6, 15),
            "Three good checks later they have recovered: their messages change, and the threads say so.",
            mends=("B8", "E1"),
        ),
        Turn(_at(7, 0), "It recovers in the same way.", mends=("W2",)),
        Turn(
            _at(8, 30),
            "The same failure soon after a proven recovery is a new incident. It names the one that it "
            "repeats, and is escalated: engineering owns it now.",
            breaks=("Z2-retries",), opens=(_REPEATED,),
        ),
        Turn(_at(9, 15), "The last ones recover.", mends=("S1", "S7-back", "Z2-retries")),
        Turn(
            _at(10, 0),
            "All is well again, and each incident waits for its cause: `watchdog incidents` lists them, "
            "`watchdog resolve ID -m CAUSE --kind KIND --action WHAT --as NAME` ends one.",
        ),
    ),
)
# fmt: on

SCENARIOS: dict[str, Scenario] = {one.id: one for one in (BAD_MORNING,)}
"""Every scenario by its id."""
