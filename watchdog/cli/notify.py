"""`watchdog notify test|preview`: is the road open, and what does a message look like."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from notifiers.base import Event
from watchdog.cli.ending import UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.session import Place, acting_person, placed, read_config, run

if TYPE_CHECKING:
    from notifiers.base import Message
    from watchdog.config.model import Config


_WEEKLY = "weekly"
"""The weekly summary, beside what is told of incidents."""


@click.group("notify")
def notify_command() -> None:
    """Test the road to a person, or preview a message."""


@notify_command.command("preview")
@click.argument("event", type=click.Choice([*(event.value for event in Event), _WEEKLY]))
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
@click.argument("person")
@placed
def notify_test(person: str, place: Place) -> int:
    """Send PERSON a test message on every channel it has, and ask Slack whether its app is set up.

    Exit 3: a message did not arrive, or something is to be mended in the Slack app.
    """

    async def work() -> int:
        config = read_config(place)
        name = acting_person(config, person)
        failed = 0
        ways = _ways(config, name)
        for channel, address in ways.items():
            failed += await _send_test(config, channel, address)
        if "slack" in ways:
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


def _ways(config: "Config", name: str) -> Mapping[str, str]:
    from watchdog.domain.routing import person_receivers

    found = person_receivers(config.directory, name, ("slack", "email"))
    if not found:
        raise Ended(WRONG_USE, f"{name} has neither email nor slack under `people:`")
    return dict(one.split(":", 1) for one in found)


def way_back(config: "Config") -> str:
    """Return in words what must be so that presses in Slack arrive."""
    if config.slack.app_token.get_secret_value():
        return "the service runs and Socket Mode is on in your Slack app"
    url = config.service.url
    where = f"is {url}/slack/actions" if url else "leads to /slack/actions of this service"
    return f"the Request URL of your Slack app (Interactivity & Shortcuts) {where}"


async def _send_test(config: "Config", channel: str, address: str) -> int:
    from notifiers.base import DeliveryError
    from watchdog.clock import SystemClock
    from watchdog.delivery.ways import ways_of

    notifier = ways_of(config, SystemClock())[channel]
    message = _sample(Event.TEST.value, address)
    try:
        await notifier.send(message, notifier.render(message))
    except DeliveryError as error:
        click.echo(f"{channel} to {address}: did not arrive: {error}")
        return 1
    finally:
        await notifier.close()
    if getattr(notifier, "keeps_rendered", False):
        click.echo(f"{channel} to {address}: no credentials, so messages stay in the outbox")
    else:
        click.echo(f"{channel} to {address}: delivered")
        if channel == "slack" and config.slack.has_buttons:
            click.echo(f"press its button: it answers if {way_back(config)}")
    return 0


def _sample(event: str, address: str) -> "Message":
    from notifiers.base import Message, Part
    from notifiers.samples import sample
    from notifiers.summary_samples import sample_summary

    return Message(
        key=f"sample-{event}-{os.getpid()}",
        address=address,
        part=Part.PAGE,
        number=1,
        facts=sample_summary() if event == _WEEKLY else sample(Event(event)),
    )
