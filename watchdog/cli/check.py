"""`watchdog check`: every mistake in the configuration, offline."""

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from watchdog.config.load import Loaded

BAD_ANSWER = 1
WRONG_USE = 2
_UNUSABLE = {"missing-file", "not-a-file", "unreadable-file"}


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="For people, for machines, or as annotations of GitHub Actions.",
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="`auto` heeds NO_COLOR and paints on a terminal only.",
)
@click.pass_context
def check_command(
    context: click.Context, files: tuple[str, ...], form: str, strict: bool, color: str
) -> None:
    """Show every mistake in FILES (rules.yaml) and what they include.

    Each is shown with its place and what would be right. Nothing is asked over the network.
    Exit codes: 0 fine, 1 mistakes found, 2 a file is missing or cannot be read.
    """
    from watchdog.config.load import load

    results = {root: load(root, os.environ) for root in files or ("rules.yaml",)}
    click.echo(_report(results, form, colour=_is_painted(color)), color=True)
    if strict and form == "text" and any(loaded.warnings for loaded in results.values()):
        click.echo("--strict: warnings count as errors")
    context.exit(_exit_code(results, strict=strict))


def _report(results: "dict[str, Loaded]", form: str, *, colour: bool) -> str:
    from watchdog.config import report

    if form == "json":
        return report.as_json(results)
    if form == "github":
        return report.as_github(results)
    texts = [report.as_text(loaded, root, colour=colour) for root, loaded in results.items()]
    return "\n".join(texts)


def _is_painted(color: str) -> bool:
    if color == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return color == "always"


def _exit_code(results: "dict[str, Loaded]", *, strict: bool) -> int:
    for root, loaded in results.items():
        first = loaded.problems[0] if loaded.problems else None
        if first and first.code in _UNUSABLE and first.place.file == os.path.normpath(root):
            return WRONG_USE
    found = any(loaded.errors or (strict and loaded.warnings) for loaded in results.values())
    return BAD_ANSWER if found else 0
