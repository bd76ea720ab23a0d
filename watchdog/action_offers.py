"""The recovery actions of an incident, as a person sees them: what there is, and why not now."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from watchdog.config.model import Config
from watchdog.domain import acting
from watchdog.domain.acting import Run, Standing, Terms
from watchdog.domain.incident import Incident
from watchdog.store import runs


@dataclass(frozen=True, slots=True)
class Offer:
    """An action of an incident's rule, as a person sees it.

    Attributes:
        hindrance: Why the person cannot run it now; empty: they can.
        tries: How often it was run on the incident.
        needs_mitigation: Words on what is different are wanted.
        hypothesis: What was said last of what is wrong.
        waiting: The run that waits for a second person.
    """

    terms: Terms
    hindrance: str
    tries: int = 0
    needs_mitigation: bool = False
    hypothesis: str = ""
    waiting: Run | None = None


async def offers(
    conn: asyncpg.Connection, config: Config, incident: Incident, person: str, now: datetime
) -> list[Offer]:
    """Return the actions of an incident's rule, each with why `person` cannot run it now."""
    rule = config.rules.get(incident.rule)
    if rule is None or not rule.actions:
        return []
    known, stop = await runs.of_incident(conn, incident.id), await runs.stopped(conn)
    found = []
    for action in rule.actions.values():
        terms = action.terms
        within_day = (
            await runs.tries_within_day(conn, rule.name, terms.name, now) if terms.is_daily else 0
        )
        history = acting.History(known, within_day, stop)
        under_way = history.under_way
        waits = under_way and under_way.standing is Standing.WAITING
        found.append(
            Offer(
                terms,
                acting.hindrance(incident, terms, history, person, now),
                len(history.tries(terms.name)),
                acting.needs_mitigation(terms, history),
                history.hypothesis,
                under_way if under_way and waits and under_way.action == terms.name else None,
            )
        )
    return found
