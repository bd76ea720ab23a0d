"""Where a mail server is, as its URL says; without the library that talks to it."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from notifiers.nearby import LOOPBACK


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, as its URL says.

    Attributes:
        is_tls: Encrypted from the first byte.
        starttls: `always`; or `never`, by the URL or because the server is on this machine.
    """

    host: str
    port: int
    is_tls: bool
    starttls: str
    user: str = ""
    password: str = field(default="", repr=False)


def parse_server(url: str) -> Server:
    """Return the server of `smtp://user:password@host:587` or `smtps://host`.

    User and password are percent-decoded. `smtp` asks for STARTTLS, unless the host is this machine
    or the URL ends in `?starttls=never`; `?starttls=always` asks for it on this machine too.

    Raises:
        ValueError: It is not such a URL; the text does not repeat it, as it may hold a password.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the mail server's URL is malformed") from None
    if parts.scheme not in {"smtp", "smtps"} or not host:
        raise ValueError("the mail server's URL is not like smtp://user:password@host:587")
    is_tls = parts.scheme == "smtps"
    starttls = parse_qs(parts.query).get("starttls", [""])[0]
    if starttls not in {"", "always", "never"}:
        raise ValueError("starttls in the mail server's URL is neither `always` nor `never`")
    return Server(
        host=host,
        port=port or (465 if is_tls else 587),
        is_tls=is_tls,
        starttls=starttls or ("never" if host in LOOPBACK else "always"),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
