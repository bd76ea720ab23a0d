"""The figures of /metrics, read when they are asked for."""

import asyncio
from collections import Counter
from datetime import timedelta

from rules.base import Outcome
from watchdog import __version__, metrics
from watchdog.delivery.figures import Figures as Delivered
from watchdog.status import describe
from watchdog.store import backlog, pages, silences
from watchdog.store.outbox import Tried
from watchdog.store.pool import StoreDown, transaction
from watchdog.web.room import Room

_STORE_SECONDS = 3.0
_DEAD_WITHIN = timedelta(days=1)
_OUTCOMES = (Outcome.OK, Outcome.BAD, Outcome.NO_DATA, Outcome.ERROR)

Values = dict[str, dict[metrics.Labels, float]]


async def read_figures(room: Room) -> metrics.Figures:
    """Return everything there is to say; without the store, what this process knows by itself."""
    values = _own(room) | _delivered(room.delivery.figures)
    try:
        async with asyncio.timeout(_STORE_SECONDS):
            values |= await _stored(room)
    except (TimeoutError, StoreDown):
        return values
    return values


def _own(room: Room) -> Values:
    config, memory = room.service.config, room.engine.memory
    values: Values = {
        "watchdog_build_info": {(__version__,): 1},
        "watchdog_last_reload_ok": {(): not room.service.loaded.errors},
        "watchdog_leading": {(): memory is not None},
        "watchdog_rules": {(): len(config.rules) + len(config.broken)},
        "watchdog_engine_lag_seconds": {(): room.engine.lag.total_seconds()},
        "watchdog_slack_socket_open": {(): room.is_slack_open},
        "watchdog_page_streams": {(): room.live.clients},
    }
    if memory is not None:
        evaluations: Counter[metrics.Labels] = Counter()
        for name, one in memory.looks.items():
            if name in config.rules:
                source = config.rules[name].kind.source
                for outcome in _OUTCOMES:
                    evaluations[source, outcome.value] += getattr(one, outcome.value)
        values["watchdog_evaluations_total"] = dict(evaluations)
        missed = sum(one.missed for one in memory.looks.values())
        values["watchdog_slots_missed_total"] = {(): missed}
    return values


def _delivered(figures: Delivered) -> Values:
    return {
        "watchdog_delivery_attempts_total": {
            (one.value,): figures.attempts[one.value] for one in Tried
        },
        "watchdog_dead_letters_total": {(): figures.dead},
        "watchdog_fallbacks_total": {(): figures.fallbacks},
        "watchdog_edits_superseded_total": {(): figures.superseded},
        "watchdog_messages_withheld_total": {(): figures.withheld},
        "watchdog_results_fenced_total": {(): figures.fenced},
        "watchdog_claims_withdrawn_total": {(): figures.withdrawn},
        "watchdog_delivery_store_troubles_total": {(): figures.store_troubles},
        "watchdog_delivery_lag_seconds_total": {(): figures.lag_seconds_sum},
        "watchdog_deliveries_total": {(): figures.lag_count},
    }


async def _stored(room: Room) -> Values:
    now = room.now()
    async with transaction(room.service.pool) as conn:
        counts = await pages.count_incidents(conn)
        waiting = await backlog.waiting(conn, now, now - _DEAD_WITHIN)
        looks = await room.looks(conn)
        silent = await silences.in_force(conn, now)
    oldest = waiting.oldest_due_at
    return {
        "watchdog_rules_not_watched": {(): len(describe(room.service.config, looks, now).reasons)},
        "watchdog_incidents": {**counts},
        "watchdog_messages": {
            ("due",): waiting.due,
            ("held",): waiting.held,
            ("sending",): waiting.sending,
        },
        "watchdog_messages_dead": {(): waiting.dead},
        "watchdog_silences_active": {(): len(silent)},
        "watchdog_oldest_due_message_age_seconds": {
            (): max(0.0, (now - oldest).total_seconds()) if oldest else 0
        },
    }
