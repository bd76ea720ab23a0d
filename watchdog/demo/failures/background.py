"""What can break in background_sync: tickets of many organisations."""

from watchdog.demo.failure import Expected, Failure

_NAME, _ERROR = "nairobi-books", "Zendesk answered 503 Service Unavailable"
_ORGANISATION = (("organization_id", _NAME), ("system_type", "zendesk"))
_OTHERS = ("lagos-books", "cairo-books", "tunis-books")

FAILURES = (
    Failure(
        "B2", "One organisation's sync keeps failing", "web_sync",
        opens=(
            Expected("background_sync-runs-failing", "warning", "transient", _ORGANISATION),
        ),
        sets={"organisations_failing": {_NAME: _ERROR}},
        breaks=(("fail_syncs", _NAME, 3, _ERROR),), mends=(("add_good_sync", _NAME),),
    ),
    Failure(
        "B2a", "Three organisations fail once each", "web_sync",
        breaks=tuple(("fail_syncs", other, 1, _ERROR) for other in _OTHERS),
        mends=tuple(("add_good_sync", other) for other in _OTHERS),
    ),
)  # fmt: skip
