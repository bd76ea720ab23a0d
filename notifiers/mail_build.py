"""From a rendered mail to the bytes that are sent."""

import hashlib
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

# Seven bits pass through every server. Structured headers may be long: ids must not be folded.
_POLICY = SMTP.clone(cte_type="7bit")


def build(body: Mapping[str, Any]) -> bytes:
    """Return the mail as bytes, text part first; equal bodies give equal bytes.

    Args:
        body: `subject`, `text`, `html` (may be empty) and `headers` of a rendered mail.
    """
    mail = EmailMessage(_POLICY)
    for name, value in body["headers"].items():
        mail[name] = value
    mail["Subject"] = body["subject"]
    mail.set_content(body["text"], cte="quoted-printable")
    if body["html"]:
        mail.add_alternative(body["html"], subtype="html", cte="quoted-printable")
        seed = f"{body['headers']['Message-ID']}{body['text']}"
        digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()
        mail.set_boundary(f"=_{digest[:32]}")
    return mail.as_bytes()
