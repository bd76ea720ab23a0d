"""What Slack tells us, by whichever road: a press, an answered dialog, a command. Pure."""

from notifiers.slack_buttons import Press, read_press
from notifiers.slack_commands import COMMAND, Command, read_command
from notifiers.slack_dialogs import Submission, read_submission
from notifiers.slack_members import NotAPress
from notifiers.slack_parts import mapping

Told = Press | Submission | Command


def read_told(payload: object) -> Told | None:
    """Return what was told; None for what asks for nothing: a link, a dialog that was closed.

    Raises:
        NotAPress: It is nothing that we have asked to be told of.
    """
    told = mapping(payload)
    kind = told.get("type")
    if kind == "block_actions":
        return read_press(told)
    if kind == "view_submission":
        return read_submission(told)
    if kind == "view_closed":
        return None
    if told.get("command") == COMMAND:
        return read_command(told)
    raise NotAPress(
        f"only presses, dialogs and {COMMAND} are understood (types block_actions, view_submission)"
    )
