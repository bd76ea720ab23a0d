"""Is a request Slack's? Its signature over the raw body, and how old it is. Pure."""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from slack_sdk.signature import SignatureVerifier

SKEW_MAX = timedelta(minutes=5)
"""How far Slack's clock and ours may be apart; older requests may have been recorded by somebody."""

_TIMESTAMP = re.compile(r"[0-9]{1,11}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class NotSlack(Exception):  # noqa: N818 (a refusal)
    """Nobody who knows the signing secret has sent this."""


class OutOfTime(Exception):  # noqa: N818 (a refusal)
    """It is signed, but too long ago, or in our future.

    Attributes:
        skew: How far our clock is ahead of the request's; negative where it is behind.
    """

    def __init__(self, skew: timedelta) -> None:
        super().__init__(f"signed {skew.total_seconds():+.0f} s from now")
        self.skew = skew


def require_slack(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Return if Slack has signed this body, not more than five minutes from now.

    The signature is judged before the time, so that only true requests tell of clocks that differ.
    What the library trips over (a strange number, a letter that is not ASCII, bytes that are no text)
    never reaches it: Slack sends none of that.

    Args:
        secret: The app's signing secret, not empty.
        headers: Looked up by names in small letters.

    Raises:
        NotSlack, OutOfTime: See their texts.
    """
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        raise NotSlack("the request carries no signature of Slack")
    try:
        expected = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    except UnicodeDecodeError as error:
        raise NotSlack("the request is not text") from error
    if expected is None or not hmac.compare_digest(expected, signature):
        raise NotSlack("the request is not signed with our signing secret")
    skew = now - datetime.fromtimestamp(0, UTC) - timedelta(seconds=int(timestamp))
    if abs(skew) > SKEW_MAX:
        raise OutOfTime(skew)
