"""`watchdog notify test|preview`: is the road open, and what does a message look like."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from notifiers.base import Event
from watchdog.cli.duties import teams_of
from watchdog.cli.ending import UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.session import Place, acting_person, placed, read_config, run
from watchdog.domain.fallback import channel_of, first_part
from watchdog.domain.routing import (
    APPRISE,
    BESIDE,
    WEBHOOK,
    person_receivers,
    team_receivers,
)

if TYPE_CHECKING:
    from notifiers.base import Facts, Message, Report
    from notifiers.summary import Summary
    from watchdog.config.model import Config


_WEEKLY, _ON_CALL = "weekly", "on_call"
"""The weekly summary and the hand-over of on-call, beside what is told of incidents."""


@click.group("notify")
def notify_command() -> None:
    """Test the road to a person, or preview a message."""


@notify_command.command("preview")
@click.argument("event", type=click.Choice([*(event.value for event in Event), _ON_CALL, _WEEKLY]))
@click.option(
    "--channel",
    type=click.Choice(["slack", "email"]),
    default="slack",
    show_default=True,
    help="As its readers in Slack see it, or by mail.",
)
@click.option("--html", is_flag=True, help="The HTML part of the mail.")
def notify_preview(event: str, channel: str, html: bool) -> None:
    """Print a message of each kind with sample data, as its reader will see it."""
    from notifiers.registry import build

    message = _sample(event, "@U01ANA" if channel == "slack" else "ana@example.com")
    body = build()[channel].render(message).body
    if channel == "slack":
        import json

        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
        return
    click.echo(body["html"] if html else f"Subject: {body['subject']}\n\n{body['text']}")


@notify_command.command("test")
@click.argument("person", required=False)
@click.option("--team", help="Its Slack channel and its mail address, too.")
@click.option("--webhook", "to_webhook", is_flag=True, help="The webhook of `channels:`, too.")
@click.option("--apprise", "to_apprise", is_flag=True, help="The room of Apprise, too.")
@placed
def notify_test(
    person: str | None, team: str | None, place: Place, *, to_webhook: bool, to_apprise: bool
) -> int:
    """Send a test message to PERSON on every channel they have, and to other ways if you name them.

    Where one of them leads to Slack, it is asked whether its app is set up.

    Exit 3: a message did not arrive, or something is to be mended in the Slack app.
    """

    async def work() -> int:
        config = read_config(place)
        others = {WEBHOOK: to_webhook, APPRISE: to_apprise}
        receivers = [
            *(_ways_of_person(config, acting_person(config, person)) if person is not None else ()),
            *(_ways_of_team(config, team) if team is not None else ()),
            *(_way_beside(config, one) for one, is_wanted in others.items() if is_wanted),
        ]
        if not receivers:
            raise Ended(WRONG_USE, "name a person, or --team TEAM, --webhook or --apprise")
        failed = 0
        for receiver in receivers:
            failed += await _send_test(config, receiver)
        if any(channel_of(one) == "slack" for one in receivers):
            failed += await check_slack(config)
        return UNREACHABLE if failed else 0

    return run(work())


async def check_slack(config: "Config") -> int:
    """Say what to mend in the Slack app, if anything; return how much that is."""
    token = config.slack.token.get_secret_value()
    if not token:
        return 0
    from notifiers.slack_check import troubles

    found = await troubles(token, config.slack.app_token.get_secret_value(), config.slack.api)
    for one in found:
        click.echo(f"mend your Slack app: {one}")
    if found:
        click.echo("docs/slack.md has a manifest with all of it")
    return len(found)


def _ways_of_person(config: "Config", name: str) -> Sequence[str]:
    found = person_receivers(config.directory, name, ("slack", "email"))
    if not found:
        raise Ended(WRONG_USE, f"{name} has neither email nor slack under `people:`")
    return found


def _ways_of_team(config: "Config", name: str) -> Sequence[str]:
    [known] = teams_of(config.directory, name)
    team = config.directory.teams[known]
    mail = (f"email:{team.email}",) if team.email else ()
    found = (*team_receivers(team, ("slack",)), *mail)
    if not found:
        raise Ended(WRONG_USE, f"{name} has neither slack nor email under `teams:`")
    return found


def _way_beside(config: "Config", receiver: str) -> str:
    """Return the receiver that is no person and no team, if it is configured."""
    channel = channel_of(receiver)
    url = config.webhook.url if receiver == WEBHOOK else config.apprise.url
    if not url.get_secret_value():
        raise Ended(WRONG_USE, f"there is no `{channel}` under `channels:`")
    return receiver


def way_back(config: "Config") -> str:
    """Return in words what must be so that presses in Slack arrive."""
    if config.slack.app_token.get_secret_value():
        return "the service runs and Socket Mode is on in your Slack app"
    url = config.service.url
    where = f"is {url}/slack/actions" if url else "leads to /slack/actions of this service"
    return f"the Request URL of your Slack app (Interactivity & Shortcuts) {where}"


async def _send_test(config: "Config", receiver: str) -> int:
    from notifiers.base import DeliveryError
    from watchdog.clock import SystemClock
    from watchdog.delivery.ways import ways_of

    channel, _, address = receiver.partition(":")
    where = channel if receiver in BESIDE else f"{channel} to {address}"
    notifier = ways_of(config, SystemClock())[channel]
    message = replace(_sample(Event.TEST.value, address), part=first_part(receiver))
    try:
        await notifier.send(message, notifier.render(message))
    except DeliveryError as error:
        click.echo(f"{where}: did not arrive: {error}")
        return 1
    finally:
        await notifier.close()
    if getattr(notifier, "keeps_rendered", False):
        click.echo(f"{where}: no credentials, so messages stay in the outbox")
    else:
        click.echo(f"{where}: delivered")
        if channel == "slack" and config.slack.has_buttons:
            click.echo(f"press its button: it answers if {way_back(config)}")
    return 0


def _sample(event: str, address: str) -> "Message":
    from notifiers.base import Message, Part
    from notifiers.samples import sample, sample_handover
    from notifiers.summary_samples import sample_summary

    facts: Facts | Report | Summary
    if event == _WEEKLY:
        facts = sample_summary()
    elif event == _ON_CALL:
        facts = sample_handover()
    else:
        facts = sample(Event(event))
    return Message(f"sample-{event}-{os.getpid()}", address, Part.PAGE, 1, facts)
