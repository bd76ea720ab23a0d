"""Everything that can be broken in the demo, by the ids of the failures it is watched for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from watchdog.demo.failure import Failure, Switches
from watchdog.demo.failures import background, contacts, desk, repositories, zendesk

FAILURES: dict[str, Failure] = {
    one.id: one
    for system in (zendesk, background, contacts, repositories, desk)
    for one in system.FAILURES
}
"""Every failure by its id, in the order of `demo list`."""


def switches(broken: Mapping[str, timedelta]) -> Switches:
    """Return how the systems behave now; unknown ids change nothing.

    Args:
        broken: For how long each failure has been broken, the oldest first.
    """
    state = Switches()
    for name, since in broken.items():
        failure = FAILURES.get(name)
        if failure is not None:
            state = replace(state, **failure.sets)
            for act in failure.acts:
                if act.after <= since:
                    state = replace(state, **act.sets)
    return state
