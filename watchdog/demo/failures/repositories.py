"""What can break in workspace_issues: issues of many repositories."""

from datetime import timedelta

from watchdog.demo.failure import Act, Burst, Expected, Failure

_RULE = "workspace_issues-"
_LATE, _DEAD, _FAILING = f"{_RULE}overdue", f"{_RULE}nothing-syncs", f"{_RULE}repositories-failing"
_ONE_FAILS, _SLOW, _RATE = f"{_RULE}repository-failing", f"{_RULE}sync-slow", f"{_RULE}success-rate"
_ERROR = "HTTP 502 Bad Gateway from the code host"
_DAY = timedelta(days=1)
_WINDOW = timedelta(minutes=31)
_OFTEN = timedelta(hours=1)
_JUDGED = timedelta(hours=1)
"""What is counted once an hour is judged when the hour is over."""

_WORKSPACE, _LEAVING = "dubai-heating", "tokyo-roofing"
_GROWING, _BUSY, _SPOILT = "manila-plumbing", "seoul-electric", "halifax-electric"
_GIVEN_UP = tuple(
    (name, repository)
    for name in ("bangkok-plumbing", "berlin-electric")
    for repository in ("api", "app", "docs", "infra", "site")
)


def _of(name: str) -> tuple[tuple[str, str], ...]:
    return (("workspace_id", name),)


def _full_names(count: int) -> list[str]:
    return [f"{name}/{repository}" for name, repository in _GIVEN_UP[:count]]


def _each_fails(count: int) -> tuple[Expected, ...]:
    return tuple(
        Expected(
            _ONE_FAILS, "warning", "transient",
            (("workspace_id", name), ("full_name", f"{name}/{repository}")),
        )
        for name, repository in _GIVEN_UP[:count]
    )  # fmt: skip


FAILURES = (
    Failure(
        "W1", "A workspace's repositories are overdue", "crm",
        opens=(Expected(_LATE, "warning", "scheduler", _of(_WORKSPACE)),),
        sets={"repositories_left_alone": (_WORKSPACE,)},
        breaks=(("delay_repositories", _WORKSPACE, timedelta(minutes=125)),),
        mends=(("sync_late_repositories",),),
    ),
    Failure(
        "W1-all", "No repository syncs any more", "crm",
        opens=(Expected(_DEAD, "warning", "scheduler"),), holds=(_LATE,),
        sets={"syncs_stopped": True},
        breaks=(("delay_all_repositories", timedelta(minutes=130)),),
        mends=(("sync_late_repositories",),),
    ),
    Failure(
        "W1a", "Repositories that are not active are overdue", "crm",
        breaks=(("switch_off_repositories", _LEAVING, timedelta(hours=3)),),
        mends=(("switch_on_repositories",),),
    ),
    Failure(
        "W2", "Seven repositories fail for good", "crm",
        opens=(Expected(_FAILING, "critical", "transient"),), holds=(_ONE_FAILS,),
        breaks=(("fail_repositories", _full_names(7), 4, _ERROR),),
        mends=(("mend_repositories",),),
    ),
    Failure(
        "W2a", "Exactly five repositories fail for good, each for itself", "crm",
        opens=_each_fails(5),
        breaks=(("fail_repositories", _full_names(5), 4, _ERROR),),
        mends=(("mend_repositories",),),
    ),
    Failure(
        "W3", "A repository fails for good", "crm",
        opens=_each_fails(1),
        breaks=(("fail_repositories", _full_names(1), 4, _ERROR),),
        mends=(("mend_repositories",),),
    ),
    Failure(
        "W3a", "A repository has failed three times, not four", "crm",
        breaks=(("fail_repositories", _full_names(1), 3, _ERROR),),
        mends=(("mend_repositories",),),
    ),
    Failure(
        "W4", "The code host's rate limit runs out", "crm",
        opens=(Expected(f"{_RULE}rate-limit", "warning", "transient"),),
        sets={"calls_left": 200, "calls_renewed_in": timedelta(minutes=30)},
    ),
    Failure(
        "W4a", "Few calls are left, and more come in a minute", "crm",
        sets={"calls_left": 200, "calls_renewed_in": timedelta(minutes=1)},
    ),
    Failure(
        "W5", "More than a thousand cached answers ended a week ago", "crm",
        opens=(Expected(f"{_RULE}cache-not-cleaned", "info"),),
        sets={"cache_left_alone": True},
        breaks=(("leave_cache", 1001, timedelta(days=8)),), mends=(("clean_cache",),),
    ),
    Failure(
        "W5a", "Exactly a thousand cached answers ended a week ago", "crm",
        sets={"cache_left_alone": True},
        breaks=(("leave_cache", 1000, timedelta(days=8)),), mends=(("clean_cache",),),
    ),
    Failure(
        "W5b", "Two thousand cached answers ended yesterday", "crm",
        sets={"cache_left_alone": True},
        breaks=(("leave_cache", 2000, _DAY),), mends=(("clean_cache",),),
    ),
    Failure(
        "W6", "A workspace tracks one repository more than its tier allows", "crm",
        opens=(Expected(f"{_RULE}over-limit", "info", "", _of(_GROWING)),),
        breaks=(("track_repositories", _GROWING, 1),), mends=(("untrack_repositories",),),
    ),
    Failure(
        "W6a", "A workspace tracks just as many repositories as its tier allows", "crm",
        breaks=(("track_repositories", _GROWING, 0),), mends=(("untrack_repositories",),),
    ),
    Failure(
        "W7", "Repository syncs are slow", "crm",
        opens=(Expected(_SLOW, "warning"),),
        sets={"bursts": (Burst("slow_sync", 40),)}, fades=_WINDOW,
    ),
    Failure(
        "W7a", "One repository sync among many is slow", "crm",
        sets={"bursts": (Burst("quick_sync", 40, _OFTEN), Burst("slow_sync", 1, _OFTEN))},
        fades=_WINDOW,
    ),
    Failure(
        "W8", "A workspace needs more API calls a month than its tier has", "crm",
        opens=(Expected(f"{_RULE}api-budget", "info", "", _of(_BUSY)),),
        breaks=(("set_frequencies", _BUSY, 1),), mends=(("set_frequencies", _BUSY, 12),),
    ),
    Failure(
        "W8a", "Two repositories have no sync frequency", "crm",
        opens=(Expected(f"{_RULE}frequency-invalid", "info", "data_logic", _of(_SPOILT)),),
        breaks=(("spoil_frequencies", _SPOILT),), mends=(("set_frequencies", _SPOILT, 12),),
    ),
    Failure(
        "W9", "Two hundred repositories failed at their last sync", "crm",
        opens=(Expected(_RATE, "warning"),),
        breaks=(("fail_some_repositories", 200, _ERROR),), mends=(("mend_repositories",),),
    ),
    Failure(
        "W9a", "Nine repositories synced within a day, and all nine failed", "crm",
        sets={"syncs_stopped": True},
        keeps=(("leave_few_syncs", 9),), mends=(("mend_repositories",), ("restore_syncs",)),
    ),
    Failure(
        "W10", "Somebody stopped most syncs, and forgot it", "crm",
        opens=(
            Expected(f"{_RULE}repositories-halved", "info"),
            Expected(f"{_RULE}frequency-doubled", "info", "", (("tier", "pro"),)),
        ),
        breaks=(("switch_off_most_repositories",), ("slow_tier_down", "pro")),
        mends=(("switch_on_repositories",), ("speed_tier_up", "pro")),
        acts=(Act(_DAY), Act(2 * _DAY)), when="5 3 * * *", takes=_JUDGED, needs=3 * _DAY, fades=_DAY,
    ),
    Failure(
        "W10a", "One workspace tracks no repositories any more", "crm",
        breaks=(("switch_off_repositories", _LEAVING, timedelta(hours=3)),),
        mends=(("switch_on_repositories",),),
        acts=(Act(_DAY), Act(2 * _DAY)), when="5 3 * * *", needs=3 * _DAY, fades=_DAY,
    ),
    Failure(
        "W11", "Daily figures of three months ago are not archived", "crm",
        opens=(Expected(f"{_RULE}metrics-not-archived", "info"),),
        sets={"metrics_kept": True},
        breaks=(("keep_metrics", 91),), mends=(("archive_metrics",),),
    ),
    Failure(
        "W11a", "Daily figures of 89 days ago are not archived yet", "crm",
        sets={"metrics_kept": True},
        breaks=(("keep_metrics", 89),), mends=(("archive_metrics",),),
    ),
)  # fmt: skip
