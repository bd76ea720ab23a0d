"""What rules about endpoints need beside the endpoint itself: databases, a certificate."""

from typing import TYPE_CHECKING

from watchdog.config.model import Source
from watchdog.config.nodes import find

if TYPE_CHECKING:
    from watchdog.config.rulebook import Draft


def databases_of(kind: object) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return where a kind's settings name databases that it asks beside its source, and which."""
    found: tuple[tuple[tuple[str, ...], str], ...] = getattr(kind, "databases", ())
    return found


def check_certificate(draft: "Draft", source: Source | None) -> None:
    """Complain where a rule looks at the certificate of what is asked without one."""
    if draft.kind_entry is None or source is None or not getattr(draft.kind, "certificate", None):
        return
    if source.address.get_secret_value().startswith("http://"):
        spot = find(draft.kind_entry.value, ("certificate",), draft.kind_entry.key)
        words = f"`{draft.kind.source}` is asked over http, where no certificate is"
        is_of_pack = spot.key_span.place.file != draft.entry.key.span.place.file
        label = "ask it over https" + (f", or leave `{draft.name}` out" if is_of_pack else "")
        draft.add("no-certificate", words, spot.key_span, label)
