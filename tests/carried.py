"""What incidents of the packs carry as evidence, and what must be proven before they recover."""

from collections.abc import Mapping

Names = frozenset[str]

_RUNS, _STATE, _NONE = frozenset({"latest_runs"}), frozenset({"state"}), Names()
_TICKETS = frozenset({"new_run", "fresh_tickets", "volume"})
_RUN, _RUNS_AGAIN = frozenset({"new_run"}), frozenset({"new_runs"})

CARRIED: Mapping[str, Mapping[str, tuple[Names, Names]]] = {
    "zendesk_sync": dict.fromkeys(
        (
            "tickets-stale", "runs-failing", "run-hangs", "writes-nothing", "no-run-started",
            "brings-little",
        ),
        (_RUNS, _TICKETS),
    ),
    "background_sync": {
        "scheduler-dead": (_RUNS, _RUN),
        "slot-missed": (_RUNS, _RUN),
        "never-synced": (_RUNS | {"integration"}, _NONE),
        "runs-failing": (_RUNS, _RUN),
        "runs-slow": (_RUNS, _NONE),
        "records-collapse": (_RUNS, _NONE),
        "status-endpoint": (_RUNS, _NONE),
    },
    "servicetitan_sync": {
        "sync-stuck": (_STATE, _RUN),
        "not-running": (_STATE, _RUN),
        "errors-inside": (_STATE, frozenset({"clean_run"})),
        "cursor-moved": (_STATE, _NONE),
        "contacts-flood": (_STATE | {"updated"}, _NONE),
        "credentials": (_STATE, _NONE),
        "workflow-ended": (_STATE, _NONE),
        "catch-up": (_STATE, _NONE),
        "duplicates": (_STATE | {"newest_pairs"}, _NONE),
    },
    "workspace_issues": {
        "repositories-failing": (frozenset({"repositories"}), _RUNS_AGAIN),
        "repository-failing": (_STATE, _NONE),
        "overdue": (frozenset({"most_overdue"}), _RUN),
        "rate-limit": (frozenset({"busiest"}), _NONE),
        "sync-slow": (_RUNS, _NONE),
        "nothing-syncs": (_RUNS, _RUNS_AGAIN),
        "success-rate": (frozenset({"errors"}), _NONE),
    },
    "support_desk": {
        **dict.fromkeys(
            ("degraded", "worker-silent", "deliveries-refused"),
            (frozenset({"mails_by_status"}), _NONE),
        ),
        "mails-waiting": (frozenset({"oldest_mails"}), _NONE),
        "mails-fail": (frozenset({"failed_mails"}), _NONE),
        "mails-twice": (frozenset({"same_keys"}), _NONE),
        "mail-log-large": (frozenset({"by_month"}), _NONE),
        "database-slow": (frozenset({"connections", "tables"}), _NONE),
        "tokens-end": (frozenset({"tokens"}), _NONE),
    },
}  # fmt: skip
"""By pack and rule: the names of both; what is not named has neither."""

OF_OTHERS = {("background_sync-never-synced", "latest_runs")}
"""Rules and evidence that tell of everybody: who has never synced has no rows of its own."""

ROWS_MAX = 20
"""An incident of a table of runs carries as many of the latest."""


def carried(rule: str) -> tuple[Names, Names]:
    """Return what an incident of a rule carries, and its proofs; the pack goes by its own name."""
    pack, _, name = rule.partition("-")
    return CARRIED[pack].get(name, (_NONE, _NONE))
