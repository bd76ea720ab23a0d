"""Mails as a reader's program sorts them into threads: by References, and by subject as Gmail does."""

import re
from collections.abc import Iterable
from email.message import EmailMessage

_IDS = re.compile(r"<[^<>\s]+>")


def threads(mails: Iterable[EmailMessage]) -> list[list[EmailMessage]]:
    """Return the mails thread by thread, each in the order of arrival.

    A mail joins the thread of whatever it refers to, if that has arrived and its subject is the same
    but for brackets at the front; else it begins one of its own.
    """
    found: list[list[EmailMessage]] = []
    for mail in mails:
        named = {*_IDS.findall(mail["References"] or ""), *_IDS.findall(mail["In-Reply-To"] or "")}
        known = (one for one in found if _is_of(mail, one, named))
        thread = next(known, None)
        if thread is None:
            found.append([mail])
        else:
            thread.append(mail)
    return found


def _is_of(mail: EmailMessage, thread: list[EmailMessage], named: set[str]) -> bool:
    is_named = any(one["Message-ID"] in named for one in thread)
    return is_named and bare_subject(mail) == bare_subject(thread[0])


def bare_subject(mail: EmailMessage) -> str:
    """Return the subject without what stands in brackets at its front."""
    return re.sub(r"^(\s*\[[^\]]*\]\s*)+", "", str(mail["Subject"]))
