"""The commands and their options, from click."""

import inspect
from collections.abc import Iterator

import click

from docs.generators.spellings import Undocumented
from docs.generators.text import filled, row
from watchdog.cli import ALIASES, COMMANDS, ending
from watchdog.cli.group import watchdog

ENDINGS = {
    0: "fine",
    ending.BAD_ANSWER: (
        "the answer is bad: mistakes found, something not watched, a finding, a refusal"
    ),
    ending.WRONG_USE: "wrong use: an unknown option, incident, rule or person, a file that is missing",
    ending.UNREACHABLE: ("out of reach: the service, its store or a receiver, or what a rule asks"),
    ending.NOT_ALLOWED: "this person may not do that",
    ending.INTERRUPTED: "interrupted",
}


def page() -> str:
    """Return docs/commands.md."""
    root = click.Context(watchdog, info_name="watchdog")
    described: list[str] = []
    for name in COMMANDS:
        command = watchdog.get_command(root, name)
        assert command is not None
        described += _described(command, root, name)
    listed = [
        f"- [`watchdog {name}`](#watchdog-{name}): {line}" for name, (_, line) in COMMANDS.items()
    ]
    parts = {
        "about": watchdog.help or "",
        "list": "\n".join(listed),
        "commands": "".join(described),
        "exit-codes": exit_codes(),
    }
    return filled("commands.md", parts)


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = [f"| {code} | {meaning} |" for code, meaning in ENDINGS.items()]
    return "\n".join(["| exit code | meaning |", "|---|---|", *rows, ""])


def _described(command: click.Command, above: click.Context, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=above)
    path = context.command_path
    level = "#" * len(path.split())
    yield f"{level} {path}\n\n{_words(command, path)}\n\n"
    alias = next((alias for alias, meant in ALIASES.items() if path == f"watchdog {meant}"), "")
    if alias:
        yield f"`watchdog {alias}` is the same.\n\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            one = command.get_command(context, inner)
            assert one is not None
            yield from _described(one, context, inner)
        return
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield f"```console\n{usage}\n```\n\n"
    rows = [_row(one, path, context) for one in command.params if isinstance(one, click.Option)]
    if rows:
        yield "\n".join(["| option | default | meaning |", "|---|---|---|", *rows, "", ""])


def _words(command: click.Command, path: str) -> str:
    if not command.help:
        raise Undocumented(f"`{path}` has no docstring")
    paragraphs = inspect.cleandoc(command.help).split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


def _row(option: click.Option, path: str, context: click.Context) -> str:
    name = ", ".join(option.opts)
    if not option.is_flag:
        choices = option.type.choices if isinstance(option.type, click.Choice) else ()
        name += " " + ("|".join(map(str, choices)) or option.make_metavar(context))
    meaning, marked, tail = (option.help or "").partition("  [default: ")
    if not meaning:
        raise Undocumented(f"option {name} of `{path}` has no help")
    default = tail.rstrip("]") if marked else ""
    given = option.to_info_dict()["default"]  # `option.default` may be click's own mark of none
    if not option.is_flag and not option.required and given not in {None, ""}:
        default = str(given)
    if option.required:
        meaning += " Must be given."
    if option.envvar:
        meaning += f" Or the variable `{option.envvar}`."
    cells = (f"`{name}`", f"`{default}`" if default else "", meaning)
    return row(cells)
