"""Everything that can be broken in the demo, by the ids of the failures it is watched for."""

from collections.abc import Iterable
from dataclasses import replace

from watchdog.demo.failure import Failure, Switches
from watchdog.demo.failures import background, contacts, desk, repositories, zendesk

FAILURES: dict[str, Failure] = {
    one.id: one
    for system in (zendesk, background, contacts, repositories, desk)
    for one in system.FAILURES
}
"""Every failure by its id, in the order of `demo list`."""


def switches(broken: Iterable[str]) -> Switches:
    """Return how the systems behave while these failures are broken; unknown ids change nothing."""
    state = Switches()
    for one in broken:
        if one in FAILURES:
            state = replace(state, **FAILURES[one].sets)
    return state
