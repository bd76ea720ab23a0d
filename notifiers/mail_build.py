"""From a rendered mail to the bytes that are sent."""

import base64
import hashlib
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP, Policy
from typing import Any, Self

POLICY = SMTP.clone(cte_type="7bit")  # seven bits pass through every server
_ON_ONE_LINE = {"message-id", "in-reply-to", "references", "list-id", "list-unsubscribe", "subject"}
_LINE_MAX = 900


class _OneLine(str):
    """A header's value that is written as it is.

    Python turns what does not fit into 78 columns into encoded words, which no program takes for an id;
    and it begins a subject whose first word is long on a second line, with a space that stays in it.
    """

    name: str

    def __new__(cls, name: str, value: str) -> Self:
        assert value.isascii()
        assert value.isprintable()
        assert len(value) < _LINE_MAX
        made = super().__new__(cls, value)
        made.name = name
        return made

    def fold(self, *, policy: Policy) -> str:
        """Return the header's line, as `email.policy` asks for it."""
        return f"{self.name}: {self}{policy.linesep}"


def build(body: Mapping[str, Any], policy: Policy = POLICY) -> bytes:
    """Return the mail as bytes, text part first; equal bodies give equal bytes.

    Args:
        body: `subject`, `text`, `html` (may be empty) and `headers` of a rendered mail; `images` of
            its HTML, if it has any: PNG in base64 by content id.
    """
    mail = EmailMessage(policy)
    for name, value in body["headers"].items():
        mail[name] = _header(name, value)
    mail["Subject"] = _header("Subject", body["subject"])
    mail.set_content(body["text"], cte="quoted-printable")
    if body["html"]:
        mail.add_alternative(body["html"], subtype="html", cte="quoted-printable")
        seed = f"{body['headers']['Message-ID']}{body['text']}"
        digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()
        mail.set_boundary(f"=_{digest[:32]}")
        _add_images(mail, body.get("images", {}), digest)
    return mail.as_bytes()


def _add_images(mail: EmailMessage, images: Mapping[str, str], digest: str) -> None:
    """Put the pictures of the HTML part beside it, where it finds them by their content id."""
    html = mail.get_body(("html",))
    assert isinstance(html, EmailMessage)
    for cid, encoded in images.items():
        picture = base64.b64decode(encoded)
        html.add_related(
            picture, "image", "png", cid=f"<{cid}>", disposition="inline", filename=f"{cid}.png"
        )
    if images:
        html.set_boundary(f"=_{digest[32:]}")


def _header(name: str, value: str) -> str:
    is_whole = name.lower() in _ON_ONE_LINE or name.startswith("X-")
    if is_whole and value.isascii() and value.isprintable() and len(value) < _LINE_MAX:
        return _OneLine(name, value)
    return value
