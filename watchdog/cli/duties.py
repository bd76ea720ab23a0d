"""What the commands about on-call share: the directory with its covers, and how covers are said."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from notifiers.clean import one_line
from watchdog.cli.ending import WRONG_USE, Ended
from watchdog.cli.session import Session

if TYPE_CHECKING:
    from watchdog.domain.people import Cover, Directory


def say_cover(cover: "Cover", directory: "Directory") -> None:
    """Say who covers whom from when to when."""
    from watchdog.cli.instants import said_at

    zone = directory.teams[cover.team].zone
    span = f"from {said_at(cover.starts_at, zone)} to {said_at(cover.ends_at, zone)}"
    click.echo(one_line(f"{cover.person} covers {cover.team} {span} (cover {cover.number})."))


async def with_covers_of(here: Session, since: datetime | None = None) -> "Directory":
    """Return the directory in force, with the covers that are not over now, or at `since`."""
    from watchdog.store import covers
    from watchdog.store.pool import transaction

    async with transaction(here.pool) as conn:
        return await covers.with_covers(conn, here.config.directory, since or here.now)


def teams_of(directory: "Directory", team: str | None) -> list[str]:
    """Return the team that was named, or all.

    Raises:
        Ended: There is no such team.
    """
    if team is None:
        return sorted(directory.teams)
    if team in directory.teams:
        return [team]
    known = ", ".join(sorted(directory.teams)) or "none"
    raise Ended(WRONG_USE, f"there is no team {team}; there are: {known}")
