"""`watchdog version`."""

import click

from watchdog import __version__


@click.command("version")
def version_command() -> None:
    """Print the version."""
    click.echo(f"watchdog {__version__}")
