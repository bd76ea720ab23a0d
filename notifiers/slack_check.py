"""Is a Slack app set up as we need it? Asks Slack, and says what to mend."""

import asyncio
import json

import aiohttp

from notifiers.base import DeliveryError
from notifiers.nearby import proxy_for
from notifiers.slack_answers import refused
from notifiers.slack_parts import mapping
from notifiers.slack_scopes import APP_SCOPE, lacking
from notifiers.slack_socket import SocketLost, require_socket

CHECK_SECONDS = 10.0
_ANSWER_BYTES_MAX = 65_536


async def scopes_of(token: str, api: str) -> frozenset[str]:
    """Return the scopes that a bot's token has.

    Raises:
        DeliveryError: Slack does not say.
    """
    url = f"{api.rstrip('/')}/auth.test"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            asyncio.timeout(CHECK_SECONDS),
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(
                url, headers=headers, allow_redirects=False, proxy=proxy_for(url)
            ) as answer,
        ):
            told = mapping(json.loads(await answer.content.read(_ANSWER_BYTES_MAX)))
            if told.get("ok") is not True:
                raise refused(answer.status, told.get("error"), answer.headers)
            said = answer.headers.get("x-oauth-scopes", "")
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise DeliveryError(f"slack cannot be asked: {type(error).__name__}") from None
    return frozenset(one.strip() for one in said.split(",") if one.strip())


async def troubles(token: str, app_token: str, api: str) -> list[str]:
    """Return what to mend in a Slack app, in sentences; nothing where all is well.

    Args:
        token: The bot's. `app_token`: the app's, or empty where there is none.
    """
    found = []
    try:
        if missing := lacking(await scopes_of(token, api)):
            where = "add them under OAuth & Permissions and install the app again"
            found.append(f"its bot lacks the scopes {', '.join(missing)}: {where}")
    except DeliveryError as error:
        found.append(
            f"its bot's token is not taken ({error}): copy it anew from OAuth & Permissions"
        )
    try:
        if app_token:
            await require_socket(app_token, api)
    except SocketLost as error:
        found.append(
            f"its socket does not open ({error}): switch on Socket Mode, and make an app-level token "
            f"with the scope {APP_SCOPE} under Basic Information"
        )
    return found
