"""The ways to reach people, by the prefix of a receiver: `slack:#support-alerts`, `email:ana@…`."""

from collections.abc import Callable
from datetime import datetime

from notifiers.base import Notifier
from notifiers.outbox import Outbox

SLACK_API = "https://slack.com/api/"
_NO_SERVER = "smtp://localhost:25"


def build(
    *,
    slack_token: str = "",
    slack_api: str = SLACK_API,
    slack_buttons: bool = False,
    slack_webhook: str = "",
    smtp_url: str = "",
    sender: str = "watchdog@localhost",
    base_url: str = "",
    link_key: str = "",
    webhook_url: str = "",
    webhook_secret: str = "",
    apprise_url: str = "",
    now: Callable[[], datetime] | None = None,
) -> dict[str, Notifier]:
    """Return the notifiers by prefix; without a token or a mail server, the built-in outbox.

    A webhook and Apprise are there only with their addresses.

    Nothing is connected before the first message is sent.

    Args:
        slack_buttons: Somebody listens to what is pressed.
        slack_webhook: Where to post without a token.
        link_key: Signs the links by which people take incidents from mails; the outbox has none, as
            whoever looks there could take in another's name.
        now: Returns the present instant, for the webhook to sign.

    Raises:
        ValueError: The mail server's URL is not one.
    """
    # Imported here: the libraries are heavy, and commands that send nothing must start fast.
    from notifiers.email import Email
    from notifiers.slack import Slack
    from notifiers.slack_hook import SlackHook

    slack: Notifier = Slack(slack_token, slack_api, has_buttons=slack_buttons)
    if slack_webhook and not slack_token:
        slack = SlackHook(slack_webhook)
    email: Notifier = Email(
        smtp_url or _NO_SERVER, sender, base_url, link_key=link_key if smtp_url else ""
    )
    ways: dict[str, Notifier] = {
        "slack": slack if slack_token or slack_webhook else Outbox(slack),
        "email": email if smtp_url else Outbox(email),
    }
    if webhook_url:
        from notifiers.webhook import Webhook

        assert now is not None, "what is signed has an instant"
        ways["webhook"] = Webhook(webhook_url, webhook_secret, now)
    if apprise_url:
        from notifiers.apprise_room import AppriseRoom

        ways["apprise"] = AppriseRoom(apprise_url)
    return ways
