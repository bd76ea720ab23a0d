"""The notifiers of a configuration."""

from notifiers.base import Notifier
from notifiers.registry import Settings, build
from watchdog.clock import Clock
from watchdog.config.model import Config


def ways_of(config: Config, clock: Clock) -> dict[str, Notifier]:
    """Return the notifiers that a configuration asks for, by the prefix of their receivers."""
    return build(settings_of(config, clock))


def settings_of(config: Config, clock: Clock) -> Settings:
    """Return what the notifiers are made of; while it stays equal, they may stay open."""
    slack, email, webhook = config.slack, config.email, config.webhook
    return Settings(
        slack_token=slack.token.get_secret_value(),
        slack_api=slack.api,
        slack_buttons=slack.has_buttons,
        slack_webhook=slack.webhook.get_secret_value(),
        smtp_url=email.smtp.get_secret_value(),
        sender=email.sender,
        base_url=config.service.url,
        link_key=email.link_key.get_secret_value(),
        webhook_url=webhook.url.get_secret_value(),
        webhook_secret=webhook.secret.get_secret_value(),
        apprise_url=config.apprise.url.get_secret_value(),
        now=clock.now,
    )
