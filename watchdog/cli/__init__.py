"""The command line. Thin: parse, call, print. Each command's module is imported when it is used."""

import atexit
import gc
import os
import sys
from collections.abc import Sequence

ABOUT = "Watch databases, endpoints and queues; every incident has exactly one owner."

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("watchdog.cli.run", "Run the service."),
    "check": ("watchdog.cli.check", "Show every mistake in rules.yaml."),
    "packs": ("watchdog.cli.packs", "List ready-made rules, and see whether they fit."),
    "try": ("watchdog.cli.trying", "Run a rule now against live data; send nothing."),
    "status": ("watchdog.cli.reading", "Say whether everything is watched."),
    "incidents": ("watchdog.cli.reading", "List incidents."),
    "show": ("watchdog.cli.reading", "Show an incident and its timeline."),
    "members": ("watchdog.cli.storm", "List the members of a storm."),
    "outbox": (
        "watchdog.cli.outbox",
        "List messages, show one as its reader sees it, send it again.",
    ),
    "take": ("watchdog.cli.acting", "Take an incident: it is yours."),
    "give-back": ("watchdog.cli.acting", "Give back an incident that you took."),
    "escalate": ("watchdog.cli.acting", "Pass an incident on that nobody has taken."),
    "note": ("watchdog.cli.acting", "Write a note on an incident's timeline."),
    "act": ("watchdog.cli.act", "Run a recovery action of an incident."),
    "stop-actions": ("watchdog.cli.act", "Stop all recovery actions, or let them run again."),
    "handover": ("watchdog.cli.acting", "Offer an incident to somebody else."),
    "split": ("watchdog.cli.storm", "Make a member of a storm an incident of its own."),
    "decline": ("watchdog.cli.deciding", "Decline an incident that is offered to you."),
    "snooze": ("watchdog.cli.deciding", "Let an incident that you took rest for a while."),
    "reopen": ("watchdog.cli.deciding", "Say that an incident is not well after all."),
    "not-actionable": ("watchdog.cli.deciding", "Say that an incident needed nobody."),
    "actions": ("watchdog.cli.actions", "List preventive actions, or say that one is done."),
    "silence": ("watchdog.cli.silence", "Hide what is expected, for a while."),
    "resolve": ("watchdog.cli.acting", "End a recovered incident with its cause."),
    "oncall": ("watchdog.cli.oncall", "Say who is on call, and arrange covers."),
    "report": ("watchdog.cli.report", "List reports, or make one now; send nothing."),
    "notify": ("watchdog.cli.notify", "Test the road to a person, or preview a message."),
    "demo": ("watchdog.cli.demo", "Break and mend the demo's systems."),
    "version": ("watchdog.cli.version", "Print the version."),
}
"""Name → module and one line. The module defines the command under the name's `_command`."""

ALIASES = {"ack": "take"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit as the table of exit codes in the docs says."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some takes 25 ms
    if arguments is None:  # a process of its own
        gc.disable()  # what a command makes lives until it ends; `run` looks for garbage again
        atexit.register(gc.freeze)  # nor need the interpreter look when it ends
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in ([], ["-h"], ["--help"]):
        sys.exit(_show_overview())
    sys.exit(_exit_code(given))


def _show_overview() -> int:
    try:
        sys.stdout.write(overview())
        sys.stdout.flush()
    except BrokenPipeError:
        from watchdog.cli.ending import ReaderGone, explain

        return explain(ReaderGone())
    return 0


def overview() -> str:
    """Return the help text. Said without click, whose import takes longer than everything else."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:{width}}  {line}" for name, (_, line) in COMMANDS.items()]
    return "\n".join(
        [
            "Usage: watchdog COMMAND [OPTIONS] [ARGUMENTS]",
            "",
            f"  {ABOUT}",
            "",
            "Commands:",
            *lines,
            "",
            "`watchdog COMMAND --help` says more. `ack` is an alias of `take`.",
            "",
        ]
    )


def _exit_code(arguments: Sequence[str]) -> int:
    from watchdog.cli.ending import explain
    from watchdog.cli.group import watchdog

    try:
        code = watchdog.main(list(arguments), prog_name="watchdog", standalone_mode=False)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 (the edge: people see sentences)
        return explain(error)
    return code if isinstance(code, int) else 0
