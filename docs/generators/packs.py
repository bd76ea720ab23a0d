"""The packs: their parameters, their rules, and which question of a runbook each answers."""

from docs.generators.text import filled, row
from watchdog.config.files import shipped_packs
from watchdog.config.nodes import Scalar, Table, find
from watchdog.config.packfacts import PackAction, PackRule, actions_of, rules_of, shipped_pack
from watchdog.config.packfile import Pack, Parameter
from watchdog.reports import listed


def page() -> str:
    """Return docs/packs/README.md."""
    rows = [
        row(
            (
                f"[`{name}`]({name}.md)",
                pack.title,
                str(len(pack.rules)),
                ", ".join(f"`{one}`" for one in pack.reports),
            )
        )
        for name in shipped_packs()
        for pack in [shipped_pack(name)]
    ]
    return filled("packs.md", {"packs": "\n".join(rows)})


def pack_page(name: str) -> str:
    """Return docs/packs/NAME.md."""
    pack = shipped_pack(name)
    rules = rules_of(pack)
    reports = "\n".join(_report(name, key, one) for key, one in pack.reports.items())
    actions = "\n".join(_action(name, one) for one in actions_of(pack))
    parts = (
        f"# {name}\n\n{pack.title}.\n\n{pack.about.strip()}",
        f"```yaml\n{_example(pack)}\n```",
        "## Parameters\n\n| parameter | what it is | default | |\n|---|---|---|---|\n"
        + "\n".join(map(_parameter, pack.parameters.values())),
        "## Rules\n\n| rule | kind | severity | every |\n|---|---|---|---|\n"
        + "\n".join(_rule(name, one) for one in rules),
        "## The questions of the runbook\n\n| question | answered by | failures |\n|---|---|---|\n"
        + "\n".join(_question(one) for one in rules),
        f"## Actions\n\n{_ACTIONS}{actions}" if actions else "",
        f"## Reports\n\n{_REPORTS}{reports}" if reports else "",
        "[All packs](README.md)",
    )
    return "\n\n".join(filter(None, parts))


_ACTIONS = (
    "What the owner of an incident may [run](../incidents.md#recovery-actions) to mend it; each "
    "only where you give the parameter that it needs.\n\n"
    "| action | rule | what it does | by | needs |\n|---|---|---|---|---|\n"
)


_REPORTS = (
    "The morning check comes to the team's Slack channel and its mail address; what is kept each day "
    "stands in the [weekly summary](../rules.md#the-weekly-summary), day by day.\n\n"
    "| report | title | at | what it tells | what it keeps |\n|---|---|---|---|---|\n"
)


def _action(pack: str, one: PackAction) -> str:
    needs = ", ".join(f"`{name}`" for name in one.needs)
    return row((f"`{one.name}`", f"`{pack}-{one.rule}`", one.label, f"`{one.does}`", needs))


def _example(pack: Pack) -> str:
    needed = [
        one.name for one in pack.parameters.values() if not one.is_optional and one.default is None
    ]
    given = ", ".join(f"{name}: …" for name in needed)
    return f"packs:\n  {pack.name}: {{ {given} }}"


def _parameter(one: Parameter) -> str:
    default = f"`{one.default.text}`" if one.default and one.default.text else ""
    needed = "needed" if one.default is None and not one.is_optional else ""
    return row(
        (f"`{one.name}`", one.type, default, f"{one.about}{' **Needed.**' if needed else ''}")
    )


def _rule(pack: str, one: PackRule) -> str:
    return row((f"`{pack}-{one.name}`", one.kind, one.severity, one.every or "as in `defaults:`"))


def _report(pack: str, name: str, body: Table) -> str:
    lists_info = "open_info" in body.entries
    told = [*_titles(body, "parts"), *((listed.TITLE,) if lists_info else ())]
    kept = _titles(body, "samples")
    words = (_text(body, "title"), _text(body, "at"), "; ".join(told), "; ".join(kept))
    return row((f"`{pack}-{name}`", *words))


def _titles(body: Table, key: str) -> list[str]:
    """Return what the parts, or the samples, of a report are called."""
    parts = find(body, (key,)).value
    named = parts.entries.items() if key in body.entries and isinstance(parts, Table) else ()
    return [
        _text(entry.value, "title") or name.replace("_", " ").capitalize()
        for name, entry in named
        if isinstance(entry.value, Table)
    ]


def _text(body: Table, key: str) -> str:
    value = find(body, (key,)).value
    return value.text if key in body.entries and isinstance(value, Scalar) else ""


def _question(one: PackRule) -> str:
    return row((one.question, f"`{one.name}`", ", ".join(one.watches)))
