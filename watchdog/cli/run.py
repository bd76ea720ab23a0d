"""`watchdog run`: the service."""

import asyncio
import os

import click

from watchdog.cli.ending import UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.session import Place, placed


@click.command("run")
@click.option(
    "--listen", default="", help="Address and port of the page.  [default: 127.0.0.1:8711]"
)
@click.option("--demo", is_flag=True, help="Also run the five demo systems.")
@click.option("--verbose", is_flag=True, help="Log every evaluation.")
@placed
def run_command(listen: str, demo: bool, verbose: bool, place: Place) -> int:
    """Run the service until it is stopped.

    Without a configured store it runs a PostgreSQL of its own in the data directory. SIGHUP loads
    the configuration again; so does every change of its files.
    """
    from watchdog.app import CannotStart, Options, serve
    from watchdog.logs import set_up

    set_up(verbose=verbose)
    options = Options(place.config, place.data, listen, demo)
    try:
        asyncio.run(serve(options, os.environ, click.echo))
    except CannotStart as error:
        raise Ended(WRONG_USE, str(error)) from error
    except ExceptionGroup as group:
        first = group.exceptions[0]
        raise Ended(UNREACHABLE, f"the service ended: {first}; the log says more") from group
    return 0
