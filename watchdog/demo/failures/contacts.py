"""What can break in servicetitan_sync: customers into contacts."""

from datetime import timedelta

from watchdog.demo.failure import Expected, Failure
from watchdog.demo.places import tenant_of

_STUCK, _SLOW, _REFUSED = "berlin-heating", "lima-plumbing", "denver-electric"

FAILURES = (
    Failure(
        "S1", "A contact sync is stuck in running", "crm",
        opens=(
            Expected("servicetitan_sync-sync-stuck", "warning", "", (("workspace_id", _STUCK),)),
        ),
        sets={"workspaces_left_alone": (_STUCK,)},
        breaks=(("run_contact_sync", _STUCK, timedelta(minutes=31)),),
        mends=(("end_contact_sync", _STUCK),),
    ),
    Failure(
        "S1a", "A contact sync has been running for ten minutes", "crm",
        sets={"workspaces_left_alone": (_SLOW,)},
        keeps=(("run_contact_sync", _SLOW, timedelta(minutes=10)),),
        mends=(("end_contact_sync", _SLOW),),
    ),
    Failure(
        "S5", "A workspace's CRM refuses our credentials", "crm",
        opens=(
            Expected(
                "servicetitan_sync-credentials", "critical", "auth_config",
                (("workspace_id", _REFUSED), ("tenant_id", str(tenant_of(_REFUSED)))),
            ),
        ),
        sets={"customers_refused": (_REFUSED,)},
    ),
    Failure(
        "S5a", "One probe of a workspace's CRM fails", "crm",
        sets={"customers_refused_once": (_REFUSED,)},
    ),
)  # fmt: skip
