"""`watchdog try RULE`: what the rule would find now."""

import contextlib
import os
from typing import TYPE_CHECKING

import click

from watchdog.cli.ending import BAD_ANSWER, UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import Place, placed, read_config, run, store_dsn

if TYPE_CHECKING:
    from rules.base import Judgement
    from watchdog.config.model import Config, Rule
    from watchdog.sources.base import Source


@click.command("try")
@click.argument("name", metavar="RULE")
@format_option
@placed
def try_command(name: str, form: str | None, place: Place) -> int:
    """Run RULE now against live data, read-only; send nothing, store nothing.

    Exit 0: nothing is wrong. 1: something is. 3: the rule could not be evaluated.
    """

    async def work() -> int:
        from watchdog.engine import evidence
        from watchdog.engine.look import look
        from watchdog.moved_time import asked_now

        config = read_config(place)
        rule = _rule(config, name)
        async with contextlib.AsyncExitStack() as stack:
            sources = await _open_sources(config, rule, place, stack)
            now = await asked_now(os.environ)
            looked = await look([rule], now, sources, {})
            [one] = await evidence.excuse(looked, sources)
        if one.error or one.judgement is None:
            reason = one.error.reason if one.error else "no judgement"
            raise Ended(UNREACHABLE, f"{name} could not be evaluated: {reason}")
        print_table(_table(one.judgement, name, len(one.excused)), chosen(form))
        return BAD_ANSWER if one.judgement.findings else 0

    return run(work())


async def _open_sources(
    config: "Config", rule: "Rule", place: Place, stack: contextlib.AsyncExitStack
) -> "dict[str, Source]":
    """Return the sources there are; what jobs report is known to the service's own store alone."""
    from watchdog.demo.whereabouts import find
    from watchdog.sources.open import open_source

    addresses = find(place.data).addresses
    opened: dict[str, Source] = {}
    for one in config.asked.values():
        if one.type != "pings":
            opened[one.name] = open_source(one, addresses)
        elif one.name == rule.kind.source:
            opened[one.name] = await _open_pings(config, place, stack)
    for source in opened.values():
        stack.push_async_callback(source.close)
    return opened


async def _open_pings(config: "Config", place: Place, stack: contextlib.AsyncExitStack) -> "Source":
    from watchdog.store.pings import Pings
    from watchdog.store.pool import close_pool, open_pool

    pool = await open_pool(await store_dsn(config, place), size=1)
    stack.push_async_callback(close_pool, pool)
    return Pings(pool)


def _rule(config: "Config", name: str) -> "Rule":
    if name in config.rules:
        return config.rules[name]
    if any(one.name == name for one in config.broken):
        raise Ended(WRONG_USE, f"{name} is broken; `watchdog check` says why")
    import difflib

    near = difflib.get_close_matches(name, config.rules, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Ended(WRONG_USE, f"there is no rule {name}{hint}")


def _table(judgement: "Judgement", name: str, excused: int) -> Table:
    rows = [
        {
            "level": one.severity.value,
            "entity": ", ".join(value for _, value in one.entity),
            "fact": one.fact,
            "class": one.failure_class or "",
            "detail": one.detail,
        }
        for one in judgement.findings
    ]
    if rows:
        more = " There are more than are shown." if judgement.truncated else ""
        held = f", {excused} of them excused by `unless`" if excused else ""
        ending = f"{name}: {len(rows)} bad now{held}. Nothing was sent.{more}"
    else:
        ending = f"{name}: {judgement.outcome.value}. Nothing was sent."
    return Table(("level", "entity", "fact", "class", "detail"), rows, ending=ending)
