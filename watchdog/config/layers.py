"""From the layers of `oncall:` to rotations, and what is odd about them."""

from collections.abc import Collection
from dataclasses import replace

from watchdog.config.nodes import Entry, Spot, find
from watchdog.config.team_shapes import LayerShape, OncallShape
from watchdog.domain.people import FIRST_MONDAY, Rotation


def layers_of(shape: OncallShape | None, entry: Entry) -> list[tuple[LayerShape, Spot]]:
    """Return the layers that a team's entry declares, the upper one first, and where each stands."""
    if shape is None:
        return []
    if not shape.layers:
        return [(shape, find(entry.value, ("oncall",), entry.key))]
    paths = [("oncall", "layers", number) for number in range(len(shape.layers))]
    return [
        (layer, find(entry.value, path, entry.key))
        for layer, path in zip(shape.layers, paths, strict=True)
    ]


def rotation_of(shape: LayerShape, known: Collection[str]) -> Rotation | None:
    """Return the rotation among those people of a layer who are there; None where nobody is."""
    order = tuple(person for person in shape.order if person in known)
    if not order:
        return None
    rotation = Rotation(shape.rotate, order, since=shape.since or FIRST_MONDAY, hours=shape.hours)
    if shape.handover is None:
        return rotation
    return replace(
        rotation,
        at=shape.handover.at,
        weekday=shape.handover.weekday or rotation.weekday,
        day=shape.handover.day or rotation.day,
    )


def gap_trouble(layers: Collection[Rotation], team: str) -> tuple[str, str] | None:
    """Return what is odd about hours of the week that no layer covers, and what helps."""
    if not layers or any(one.hours is None for one in layers):
        return None
    from watchdog.domain.coverage import uncovered  # few files have a layer with hours

    gaps = uncovered(tuple(layers))
    if not gaps:
        return None
    longest = max(gaps, key=lambda gap: gap.minutes)
    hours = round(sum(gap.minutes for gap in gaps) / 60)
    more = f" and {len(gaps) - 1} more" if len(gaps) > 1 else ""
    words = f"`{team}` has nobody on call {longest}{more}: {hours} h of each week"
    return words, "the lead answers then; a last layer without `hours` would close it"
