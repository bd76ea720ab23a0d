"""`watchdog packs list|show|check`: ready-made rules, and whether they fit what is there."""

import contextlib
import os
from typing import TYPE_CHECKING, Any

import click

from rules.spans import short_span
from watchdog.cli.ending import BAD_ANSWER, WRONG_USE, Ended
from watchdog.cli.printing import Format, Table, chosen, format_option, print_table
from watchdog.cli.session import Place, placed, read_files, run

if TYPE_CHECKING:
    from watchdog.config.model import Config, Report, Rule
    from watchdog.config.packfile import Pack
    from watchdog.engine.rehearsal import Rehearsal


@click.group("packs")
def packs_command() -> None:
    """List ready-made rules, and see whether they fit your sources."""


@packs_command.command("list")
@format_option
def packs_list(form: str | None) -> None:
    """List the packs and what each watches."""
    from watchdog.config.files import shipped_packs
    from watchdog.config.packfacts import rules_of, shipped_pack

    rows = []
    for name in shipped_packs():
        pack = shipped_pack(name)
        found = rules_of(pack)
        watches = sorted({one for rule in found for one in rule.watches}, key=_in_order)
        rows.append(
            {"pack": name, "rules": len(found), "what": pack.title, "watches": " ".join(watches)}
        )
    ending = "See one: watchdog packs show NAME"
    print_table(Table(("pack", "rules", "what"), rows, ("watches",), ending), chosen(form))


def _in_order(failure_id: str) -> tuple[str, int]:
    return failure_id[:1], int("".join(filter(str.isdigit, failure_id)) or 0)


@packs_command.command("show")
@click.argument("name")
@format_option
def packs_show(name: str, form: str | None) -> None:
    """Show the parameters and the rules of the pack NAME."""
    from watchdog.config.packfacts import actions_of, rules_of

    pack = _pack(name)
    shape = chosen(form)
    parameters = [
        {
            "parameter": one.name,
            "type": one.type,
            "default": one.default.text if one.default else "",
            "needed": "" if one.default or one.is_optional else "yes",
            "about": one.about,
        }
        for one in pack.parameters.values()
    ]
    rules = [
        {
            "rule": one.name,
            "kind": one.kind,
            "severity": one.severity,
            "every": one.every or "as in defaults:",
            "watches": " ".join(one.watches),
            "question": one.question,
        }
        for one in rules_of(pack)
    ]
    actions = [
        {
            "action": one.name,
            "rule": one.rule,
            "what": one.label,
            "does": one.does,
            "needs": " ".join(one.needs),
        }
        for one in actions_of(pack)
    ]
    if shape is Format.JSON:
        facts = {"pack": name, "parameters": parameters, "rules": rules, "actions": actions}
        print_table(Table((), [facts]), shape)
        return
    print_table(Table(("parameter", "type", "default", "needed", "about"), parameters), shape)
    click.echo()
    if actions:
        print_table(Table(("action", "rule", "what", "does", "needs"), actions), shape)
        click.echo()
    columns = ("rule", "kind", "severity", "every", "watches", "question")
    given = ", ".join(f"{one['parameter']}: …" for one in parameters if one["needed"])
    ending = f"Use it: write `packs: {{ {name}: {{ {given} }} }}` into rules.yaml"
    print_table(Table(columns, rules, ending=ending), shape)


def _pack(name: str) -> "Pack":
    from watchdog.config.files import shipped_packs
    from watchdog.config.packfacts import shipped_pack
    from watchdog.config.problems import did_you_mean

    if name in shipped_packs():
        return shipped_pack(name)
    label = did_you_mean(name, shipped_packs()) or f"there are {', '.join(shipped_packs())}"
    raise Ended(WRONG_USE, f"there is no pack {name}; {label}")


@packs_command.command("check")
@click.argument("name", required=False)
@click.option("--live", is_flag=True, help="Ask the sources: what is missing, what would it cost?")
@format_option
@placed
def packs_check(name: str | None, live: bool, form: str | None, place: Place) -> int:
    """Say which rules of the packs in rules.yaml would run; of the one that is called NAME there.

    With `--live` the real sources are asked, read-only: which tables and columns are missing, what
    the planner expects a look to cost, and which index would help; likewise what evidence, reports
    and actions would ask.
    Exit 0: all would run. 1: some would not.
    """

    async def work() -> int:
        from watchdog.config.packfacts import used_packs

        loaded = read_files(place)
        if loaded.config is None:
            raise Ended(WRONG_USE, f"{place.config} cannot be read; `watchdog check` says why")
        used = used_packs(loaded.texts)
        if not used:
            raise Ended(
                WRONG_USE, f"{place.config} uses no packs; `watchdog packs list` shows them"
            )
        if name and name not in used:
            known = ", ".join(used)
            raise Ended(WRONG_USE, f"{place.config} uses no pack {name}; it uses: {known}")
        wanted = tuple(f"{one}-" for one in ([name] if name else used))
        rows = _broken(loaded.config, wanted)
        rules = [one for one in loaded.config.rules.values() if one.name.startswith(wanted)]
        reports = [one for one in loaded.config.reports.values() if one.name.startswith(wanted)]
        if not live:
            return _print([*rows, *map(_row, rules)], chosen(form))
        found = await _rehearse(loaded.config, rules, reports, place)
        rows += [_row(one) | _asked(found.get(one.name)) for one in rules]
        told = [_report_row(one) | _asked(found[one.name]) for one in reports]
        return _print(rows, chosen(form), told)

    return run(work())


def _broken(config: "Config", wanted: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"rule": one.name, "state": "wrong", "trouble": one.reason}
        for one in config.broken
        if one.name.startswith(wanted) or f"{one.name}-" in wanted
    ]


async def _rehearse(
    config: "Config", rules: "list[Rule]", reports: "list[Report]", place: Place
) -> "dict[str, Rehearsal]":
    from watchdog.demo.whereabouts import find
    from watchdog.engine.rehearsal import rehearse, rehearse_report
    from watchdog.moved_time import asked_now
    from watchdog.sources.open import open_source

    addresses = find(place.data).addresses
    now = await asked_now(os.environ)
    async with contextlib.AsyncExitStack() as stack:
        specs = [one for one in {**config.sources, **config.asked}.values() if one.type != "pings"]
        sources = {one.name: open_source(one, addresses) for one in specs}
        for source in sources.values():
            stack.push_async_callback(source.close)
        asked = [one for one in rules if one.kind.source in sources]
        found = {one.name: await rehearse(one, now, sources) for one in asked}
        return found | {one.name: await rehearse_report(one, now, sources) for one in reports}


def _row(rule: "Rule") -> dict[str, Any]:
    return {
        "rule": rule.name,
        "state": "runs",
        "source": rule.kind.source,
        "every": short_span(rule.every),
    }


def _report_row(report: "Report") -> dict[str, Any]:
    sources = dict.fromkeys(part.query.source for part in report.parts)
    return {"rule": report.name, "source": ", ".join(sources), "every": "report"}


def _asked(found: "Rehearsal | None") -> dict[str, Any]:
    if found is None:
        return {"state": "runs"}
    took = f"{found.took.total_seconds() * 1000:.0f} ms" if found.took is not None else ""
    return {
        "state": "fails" if found.troubles else "runs",
        "cost": f"{found.cost:.0f}" if found.cost is not None else "",
        "rows": found.rows,
        "took": took,
        "trouble": "; ".join(found.troubles),
        "index": " ".join(found.indexes),
        "troubles": found.troubles,
        "indexes": found.indexes,
    }


def _print(
    rows: list[dict[str, Any]], form: Format, reports: list[dict[str, Any]] | None = None
) -> int:
    """Print the rows; those of reports come where the sources were asked."""
    told = [*rows, *(reports or ())]
    indexes = _needed([index for one in told for index in one.pop("indexes", ())])
    troubles = _grouped(told)
    columns = ("rule", "state", "source", "every")
    table = (
        Table(columns, told, hidden=("trouble",))
        if reports is None
        else Table((*columns, "cost", "took"), told, hidden=("rows", "trouble", "index"))
    )
    print_table(table, form)
    if form is Format.TABLE:
        _print_below(troubles, indexes)
    if form is not Format.JSON:
        click.echo(_ending(rows, reports, len(indexes)), err=True)
    return BAD_ANSWER if any(one["state"] != "runs" for one in told) else 0


def _ending(rows: list[dict[str, Any]], reports: list[dict[str, Any]] | None, indexes: int) -> str:
    said = f"{_running(rows)} of {len(rows)} rules would run"
    if reports is None:
        return f"{said}. Ask the sources: watchdog packs check --live"
    if reports:
        said += (
            f", and {_running(reports)} of {len(reports)} report{'' if len(reports) == 1 else 's'}"
        )
    if not indexes:
        return f"{said}. See what one finds now: watchdog try RULE"
    many = "1 index" if indexes == 1 else f"{indexes} indexes"
    return f"{said}. {many} would make them cheaper; the statements are above."


def _running(rows: list[dict[str, Any]]) -> int:
    return sum(one["state"] == "runs" for one in rows)


def _grouped(rows: list[dict[str, Any]]) -> dict[tuple[str, ...], list[str]]:
    """Return the names of rules and reports by what is wrong with them."""
    hit: dict[tuple[str, ...], list[str]] = {}
    for one in rows:
        troubles = tuple(one.pop("troubles", ())) or (one.get("trouble", ""),)
        if any(troubles):
            hit.setdefault(troubles, []).append(one["rule"])
    return hit


def _print_below(troubles: dict[tuple[str, ...], list[str]], indexes: list[str]) -> None:
    """Print what is too wide for a column: each trouble with all that it hits, and each index."""
    for reasons, names in troubles.items():
        click.echo(f"\n{', '.join(names)}:")
        for reason in reasons:
            click.echo(f"  {reason}")
    if indexes:
        click.echo()
    for index in indexes:
        click.echo(index)


def _needed(indexes: list[str]) -> list[str]:
    """Return each statement once, without those whose index another one makes and more."""
    made = list(dict.fromkeys(indexes))
    return [one for one in made if not any(other.startswith(f"{one[:-2]}, ") for other in made)]
