"""In which order messages go out."""

import pytest

from notifiers.base import Part
from watchdog.domain.urgency import urgency


def test_pages_go_first_then_escalations_first_messages_edits_and_lines() -> None:
    order = [
        urgency(Part.PAGE, "info"),
        urgency(Part.THREAD, "info", is_broadcast=True),
        urgency(Part.ROOT, "info"),
        urgency(Part.EDIT, "info"),
        urgency(Part.THREAD, "info"),
    ]

    assert order == sorted(set(order))


@pytest.mark.parametrize("part", Part)
def test_among_equals_what_is_worse_goes_first(part: Part) -> None:
    assert urgency(part, "critical") < urgency(part, "warning") < urgency(part, "info")


def test_what_is_urgent_by_its_part_goes_before_what_is_only_worse() -> None:
    assert urgency(Part.PAGE, "info") < urgency(Part.ROOT, "critical")


def test_a_severity_that_nobody_knows_can_wait() -> None:
    assert urgency(Part.PAGE, "odd") == urgency(Part.PAGE, "info")
