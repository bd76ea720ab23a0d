"""What `notify test` says of a Slack app that is not set up as it must be."""

import pytest
from pydantic import SecretStr

from notifiers.slack_check import troubles
from tests.fake_slack import APP_TOKEN, TOKEN, FakeSlack, Trouble, fake_slack
from watchdog.cli.notify import check_slack
from watchdog.config.model import Config, EmailChannel, Service, SlackChannel
from watchdog.domain.people import Directory


async def found(slack: FakeSlack, token: str = TOKEN, app_token: str = APP_TOKEN) -> list[str]:
    return await troubles(token, app_token, slack.api)


async def test_an_app_that_has_all_is_well() -> None:
    async with fake_slack() as slack:
        assert await found(slack) == []
        assert await found(slack, app_token="") == []


async def test_missing_scopes_are_named_with_what_does_not_work_then() -> None:
    async with fake_slack() as slack:
        slack.scopes -= {"dnd:read", "commands"}
        [one] = await found(slack)
    assert one.startswith("its bot lacks the scopes dnd:read (the next person is paged when")
    assert one.endswith("add them under OAuth & Permissions and install the app again")


async def test_a_wrong_token_and_a_closed_socket_are_told_each() -> None:
    async with fake_slack() as slack:
        bot, app = await found(slack, token="xoxb-other", app_token="xapp-other")
    assert bot.startswith("its bot's token is not taken (slack refused: invalid_auth)")
    assert app.startswith("its socket does not open (slack refused: invalid_auth): switch on")
    assert "other" not in bot + app


@pytest.mark.parametrize(
    "trouble",
    [Trouble(drop=True), Trouble(body=b"[]"), Trouble(body=b"<html>"), Trouble(status=503)],
)
async def test_a_slack_that_does_not_answer_is_told_and_fails_nothing(trouble: Trouble) -> None:
    async with fake_slack() as slack:
        slack.troubles.append(trouble)
        [one] = await found(slack)
    assert one.startswith("its bot's token is not taken (slack")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("", ""),
        (
            "commands",
            "mend your Slack app: its bot lacks the scopes commands (/watchdog is answered): add them "
            "under OAuth & Permissions and install the app again\n"
            "docs/slack.md has a manifest with all of it\n",
        ),
    ],
)
async def test_the_command_says_what_to_mend(
    missing: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with fake_slack() as slack:
        slack.scopes.discard(missing)
        channel = SlackChannel(SecretStr(TOKEN), slack.api, app_token=SecretStr(APP_TOKEN))
        config = Config(Service(), channel, EmailChannel(), {}, Directory(), {})
        assert await check_slack(config) == len(said.splitlines()[:1])
    assert capsys.readouterr().out == said


async def test_without_a_bot_there_is_nothing_to_ask() -> None:
    config = Config(Service(), SlackChannel(), EmailChannel(), {}, Directory(), {})
    assert await check_slack(config) == 0
