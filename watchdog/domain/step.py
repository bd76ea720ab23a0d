"""One step in the life of an incident, as the table of moves allows it."""

from dataclasses import replace

from watchdog.domain.incident import WATCHDOG, Happened, Incident, State, Transition
from watchdog.domain.moves import LEADS_TO


def step(
    incident: Incident, happened: Happened, state: State | None = None, **changes: object
) -> Transition:
    """Return the transition to the incident with these changes; what a person does is a sign of life.

    Args:
        state: The state it leads to; the present one by default.
    """
    state = state or incident.state
    assert LEADS_TO.get((incident.state, happened.event)) is state, (incident.state, happened.event)
    if happened.actor != WATCHDOG:
        changes["acted_at"] = happened.at
    if (state, changes.get("owner", incident.owner)) != (incident.state, incident.owner):
        # Both are said of the owner who had it then.
        changes = {"missed": "", "snoozed_until": None} | changes
    after = replace(incident, state=state, version=incident.version + 1, **changes)  # type: ignore[arg-type]
    return Transition(incident, after, happened)
