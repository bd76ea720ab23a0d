"""What Slack's answers mean for a message: has it arrived, can another try help, when."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from notifiers.base import DeliveryError
from notifiers.waits import retry_after

PERMANENT = frozenset(
    {
        "access_denied",
        "account_inactive",
        "cannot_dm_bot",
        "channel_is_limited_access",
        "channel_not_found",
        "deprecated_endpoint",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_auth",
        "invalid_metadata_format",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "metadata_too_large",
        "method_deprecated",
        "missing_scope",
        "no_permission",
        "no_text",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "slack_connect_canvas_sharing_blocked",
        "team_access_not_granted",
        "team_not_found",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
    }
)
"""Somebody must change something at Slack or in our settings before another try can help."""

UNKNOWN = frozenset({"internal_error", "fatal_error"})
"""Slack itself does not know how far it came."""

LAYOUT = frozenset(
    {
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "too_many_attachments",
    }
)
"""Refused for its looks or its length: the same message goes out with less in it."""

GONE = frozenset(
    {
        "cannot_reply_to_message",
        "cant_update_message",
        "edit_window_closed",
        "message_not_found",
        "thread_not_found",
    }
)
"""The message that was to be edited or answered cannot be any more: the text is posted anew, once."""

_CODE = re.compile(r"[a-z0-9_.-]{1,60}")


def refused(status: int, code: object, headers: Mapping[str, str]) -> DeliveryError:
    """Return the error for an answer that is not `ok: true`.

    Only codes of Slack's shape are repeated: an answer may hold anything, even our token.

    Args:
        status: HTTP status.
        code: What the answer gives as `error`; None when there is none.
    """
    named = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    if status == 429 or named in {"ratelimited", "rate_limited"}:
        wait = retry_after(headers.get("Retry-After"))
        return DeliveryError("slack asks to wait", retry_after=wait)
    if status >= 500 or named in UNKNOWN:
        reason = f"slack failed: {named or status}"
        return DeliveryError(reason, unknown=True, is_outage=status >= 500)
    if named:
        return DeliveryError(f"slack refused: {named}", permanent=named in PERMANENT)
    if status in {401, 403, 404, 405, 410}:
        return DeliveryError(f"slack refused: HTTP {status}", permanent=True)
    if 300 <= status < 500:
        return DeliveryError(f"slack refused: HTTP {status}")
    return DeliveryError("slack's answer cannot be read", unknown=True)


_LATEST_S = 4_000_000_000
_LONG_AGO = datetime.fromtimestamp(0, UTC)


def silences_of(answer: Mapping[str, object]) -> tuple[tuple[datetime, datetime], ...]:
    """Return the spans of Do Not Disturb in an answer of `dnd.info`; whatever is no instant is none.

    The next span of somebody's schedule may be the present one. That they have paused their
    notifications is said of other people only in some workspaces, and by its end.

    Source: https://docs.slack.dev/reference/methods/dnd.info
    """
    begin, end = _at(answer.get("next_dnd_start_ts")), _at(answer.get("next_dnd_end_ts"))
    spans = [(begin, end)] if answer.get("dnd_enabled") is True else []
    if answer.get("snooze_enabled") is True:
        spans.append((_LONG_AGO, _at(answer.get("snooze_endtime"))))
    return tuple((one, two) for one, two in spans if one and two and one < two)


def _at(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _LATEST_S else None
