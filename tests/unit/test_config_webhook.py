"""A webhook's settings, and the routes that lead to it."""

import pytest

from watchdog.config.load import load_text
from watchdog.config.model import Config

SECRET = "0123456789abcdef0123456789abcdef"
FILE = """\
version: 1
channels: { webhook: { url: "${URL:-}", secret: "${SECRET:-}" } }
people: { ana: { email: ana@example.com } }
teams: { data: { lead: ana } }
routes:
  - { when: { severity: critical }, send: [email, webhook] }
  - { when: { severity: warning }, send: webhook }
"""


def read(**env: str) -> Config:
    loaded = load_text({"rules.yaml": FILE}, "rules.yaml", env)
    assert loaded.problems == ()
    assert loaded.config is not None
    return loaded.config


@pytest.mark.parametrize(
    "url", ["https://incidents.example.com/in?key=a-b", "http://127.0.0.1:9000/in"]
)
def test_its_address_and_secret_are_read_and_never_shown(url: str) -> None:
    config = read(URL=url, SECRET=SECRET)
    assert config.webhook.url.get_secret_value() == url
    assert config.webhook.secret.get_secret_value() == SECRET
    assert url not in repr(config)
    assert SECRET not in repr(config)


def test_routes_lead_to_it() -> None:
    config = read(URL="https://incidents.example.com/in", SECRET=SECRET)
    assert [one.send for one in config.directory.routes] == [("email", "webhook"), ("webhook",)]


def test_without_an_address_routes_lead_to_the_ways_beside_it() -> None:
    assert [one.send for one in read().directory.routes] == [("email",), ("webhook",)]


@pytest.mark.parametrize(
    "url",
    [
        "http://incidents.example.com/in",
        "ftp://incidents.example.com",
        "https://a:b@c.example.com/",
    ],
)
def test_what_would_show_secrets_on_the_way_is_refused(url: str) -> None:
    loaded = load_text({"rules.yaml": FILE}, "rules.yaml", {"URL": url, "SECRET": SECRET})
    assert [one.code for one in loaded.problems] == ["bad-url"]
