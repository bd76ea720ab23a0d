"""How many failures were caught and how many twins stayed silent, as a line for the end of a run."""

import re
from collections.abc import Iterable

from watchdog.demo.failures import FAILURES

_RAN = re.compile(r"acceptance/test_\w+\.py::test_a_(failure|twin)_\w+\[([A-Z]\d+)([^\]]*)\]")


def tally(passed: Iterable[str], failed: Iterable[str]) -> str:
    """Return the line; empty when none of these tests ran.

    A failure that can be broken in several ways is caught when it is caught in each of them.

    Args:
        passed, failed: Ids of tests.
    """
    good, bad = set(_named(passed)), set(_named(failed))
    if not good | bad:
        return ""
    good -= bad
    caught, silent = (sum(kind == what for kind, _ in good) for what in ("failure", "twin"))
    everything = {_key(one.id, is_twin=one.is_twin) for one in FAILURES.values()}
    failures, twins = (sum(kind == what for kind, _ in everything) for what in ("failure", "twin"))
    return f"{caught} of {failures} caught, {silent} of {twins} silent"


def _named(tests: Iterable[str]) -> Iterable[tuple[str, str]]:
    for one in tests:
        match = _RAN.search(one)
        if match:
            kind, number, rest = match.groups()
            yield _key(number + rest, is_twin=kind == "twin")


def _key(name: str, *, is_twin: bool) -> tuple[str, str]:
    """Return what counts once: a twin by its letter, a failure whatever its way."""
    return ("twin", name) if is_twin else ("failure", re.split(r"[^A-Z0-9]", name)[0])
