"""Who is on call soon, and in Slack's Do Not Disturb: `watchdog oncall check --live`."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from watchdog.cli.ending import UNREACHABLE, WRONG_USE, Ended

if TYPE_CHECKING:
    from watchdog.config.model import Config
    from watchdog.domain.oncall import Shift
    from watchdog.domain.people import Directory, Person

AHEAD = timedelta(days=1)
"""How far shifts are looked at: Slack tells of the present or next Do Not Disturb, and no further."""


async def unheard_rows(
    config: "Config", directory: "Directory", now: datetime
) -> list[dict[str, Any]]:
    """Return who is on call within a day while Slack keeps their phone silent.

    Raises:
        Ended: There is no Slack to ask, or it does not say.
    """
    from notifiers.base import DeliveryError
    from notifiers.slack import Slack
    from watchdog.domain.oncall import shifts

    token = config.slack.token.get_secret_value()
    if not token:
        raise Ended(WRONG_USE, "--live asks Slack: write its `token` under `channels: slack:`")
    ahead = [one for team in directory.teams for one in shifts(directory, team, now, now + AHEAD)]
    people = [
        person
        for name in sorted({one.person for one in ahead})
        if (person := directory.people.get(name)) and person.slack
    ]
    slack = Slack(token, config.slack.api)
    try:
        silences = [(one, await slack.silences(one.slack)) for one in people]
    except DeliveryError as error:
        raise Ended(UNREACHABLE, f"who is in Do Not Disturb is not known: {error}") from error
    finally:
        await slack.close()
    return [row for person, spans in silences for row in _rows(person, spans, ahead, now)]


def _rows(
    person: "Person",
    silences: Iterable[tuple[datetime, datetime]],
    ahead: Iterable["Shift"],
    now: datetime,
) -> Iterator[dict[str, Any]]:
    from watchdog.cli.instants import said_at

    shifts = [one for one in ahead if one.person == person.name]
    for begins_at, ends_at in silences:
        teams = sorted(
            {one.team for one in shifts if begins_at < one.ends_at and one.starts_at < ends_at}
        )
        since = f"from {said_at(begins_at, person.zone)}" if begins_at > now else "now"
        trouble = f"on call in Do Not Disturb {since} until {said_at(ends_at, person.zone)}"
        for team in teams:
            yield {"team": team, "person": person.name, "trouble": trouble}
