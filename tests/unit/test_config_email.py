"""What the file says of mail."""

from tests.config_files import codes
from watchdog.config.load import Loaded, load_text

KEY = "8f742231b10e8888abcd99yyyzzz85a5"


def loaded(email: str, **env: str) -> Loaded:
    text = f"version: 1\nchannels: {{ email: {{ {email} }} }}\n"
    return load_text({"rules.yaml": text}, "rules.yaml", env)


def test_a_key_for_links_is_a_secret_like_any_other() -> None:
    config = loaded('link_key: "${LINK_KEY}"', LINK_KEY=KEY).config
    assert config is not None
    assert config.email.link_key.get_secret_value() == KEY
    assert KEY not in repr(config.email)


def test_without_one_there_is_none() -> None:
    config = loaded("link_key: '${LINK_KEY:-}'").config
    assert config is not None
    assert config.email.link_key.get_secret_value() == ""


def test_a_short_key_is_refused_and_not_shown() -> None:
    short = loaded('link_key: "${LINK_KEY}"', LINK_KEY=KEY[:31])
    assert codes(short) == ["short-key"]
    assert KEY[:31] not in repr(short.problems)


def test_a_key_that_stands_in_the_file_is_warned_of() -> None:
    assert codes(loaded(f"link_key: {KEY}")) == ["written-secret"]
