"""The ways to reach people, by the prefix of a receiver: `slack:#support-alerts`, `email:ana@…`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from notifiers.base import Notifier
from notifiers.outbox import Outbox

SLACK_API = "https://slack.com/api/"
_NO_SERVER = "smtp://localhost:25"


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """What the ways are made of; a way whose address or token is empty leads nowhere.

    Attributes:
        slack_buttons: Somebody listens to what is pressed.
        slack_webhook: Where to post without a token.
        link_key: Signs the links by which people take incidents from mails.
        now: Returns the present instant, for the webhook to sign.
    """

    slack_token: str = ""
    slack_api: str = SLACK_API
    slack_buttons: bool = False
    slack_webhook: str = ""
    smtp_url: str = ""
    sender: str = "watchdog@localhost"
    base_url: str = ""
    link_key: str = ""
    webhook_url: str = ""
    webhook_secret: str = ""
    apprise_url: str = ""
    now: Callable[[], datetime] | None = None


NO_SETTINGS = Settings()


def build(settings: Settings = NO_SETTINGS) -> dict[str, Notifier]:
    """Return the notifiers by prefix; nothing is connected before the first message is sent.

    Slack and mail are always there: without a token or a server they lead to the built-in outbox.

    Raises:
        ValueError: The mail server's URL is not one.
    """
    made = {name: make(settings) for name, make in _WAYS.items()}
    return {name: way for name, way in made.items() if way is not None}


# Imported where they are made: the libraries are heavy, and commands that send nothing must start fast.


def _slack(of: Settings) -> Notifier:
    from notifiers.slack import Slack
    from notifiers.slack_hook import SlackHook

    if of.slack_webhook and not of.slack_token:
        return SlackHook(of.slack_webhook)
    slack = Slack(of.slack_token, of.slack_api, has_buttons=of.slack_buttons)
    return slack if of.slack_token else Outbox(slack)


def _email(of: Settings) -> Notifier:
    from notifiers.email import Email

    if of.smtp_url:
        return Email(of.smtp_url, of.sender, of.base_url, link_key=of.link_key)
    # No links that take: whoever looks into the outbox could take in another's name.
    return Outbox(Email(_NO_SERVER, of.sender, of.base_url))


def _webhook(of: Settings) -> Notifier | None:
    if not of.webhook_url:
        return None
    from notifiers.webhook import Webhook

    assert of.now is not None, "what is signed has an instant"
    return Webhook(of.webhook_url, of.webhook_secret, of.now)


def _apprise(of: Settings) -> Notifier | None:
    if not of.apprise_url:
        return None
    from notifiers.apprise_room import AppriseRoom

    return AppriseRoom(of.apprise_url)


_WAYS: Mapping[str, Callable[[Settings], Notifier | None]] = MappingProxyType(
    {"slack": _slack, "email": _email, "webhook": _webhook, "apprise": _apprise}
)
