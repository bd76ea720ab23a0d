"""Which hosts are on this machine, and the proxy to all others."""

from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names, which is no way to this machine itself."""
    if urlsplit(url).hostname in LOOPBACK:
        return None
    # Imported here: the library is heavy, and `check` reads which hosts are near.
    from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env

    return load_http_proxy_from_env()
