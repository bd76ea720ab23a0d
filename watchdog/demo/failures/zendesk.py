"""What can break in zendesk_sync: support tickets."""

from datetime import timedelta

from watchdog.demo.failure import Act, Expected, Failure

_LONG_RUN = timedelta(minutes=6)
_STALE, _FAILING, _HANGS = (
    "zendesk_sync-tickets-stale",
    "zendesk_sync-runs-failing",
    "zendesk_sync-run-hangs",
)
_OUTAGE = "connection reset by peer while reading page 3"
_REFUSED = "401 Unauthorized: invalid API token"
_OF_A_CUSTOMER = "Error 401 Unauthorized: invalid token"
_SLOW_DOWN = "429 Too Many Requests: rate limit exceeded, retry after 60 seconds"
_GARBLED = "schema mismatch: field priority is not in the table"
_GOOD_RUN = (("add_good_run",),)
_NO_RUN, _NOTHING = "zendesk_sync-no-run-started", "zendesk_sync-writes-nothing"
_LITTLE = "zendesk_sync-brings-little"
_SOON, _LATER = timedelta(seconds=75), timedelta(hours=3)

FAILURES = (
    Failure(
        "Z1", "Tickets stopped updating", "crm",
        opens=(Expected(_STALE, "warning"),),
        sets={"tickets_frozen": True},
        breaks=(("age_tickets", timedelta(minutes=31)),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z1a", "A quiet night: runs succeed and fetch nothing", "crm",
        sets={"zendesk_quiet": True, "tickets_frozen": True},
        breaks=(("age_tickets", timedelta(minutes=40)), ("empty_last_run",)),
        mends=_GOOD_RUN,
    ),
    Failure(
        "Z1b", "Tickets are 29 minutes old", "crm",
        sets={"tickets_frozen": True},
        keeps=(("hold_tickets", timedelta(minutes=29)),),
    ),
    Failure(
        "Z2", "The ticket sync keeps failing", "crm",
        opens=(Expected(_FAILING, "warning", "transient"),), later=(_STALE,),
        sets={"zendesk_error": _OUTAGE},
        breaks=(("fail_runs", 1, 3, _OUTAGE),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z2-retries", "The ticket sync fails, and so does each retry by hand", "crm",
        opens=(Expected(_FAILING, "warning", "transient"),), later=(_STALE,),
        sets={"zendesk_error": _OUTAGE},
        breaks=(("add_failed_runs", 3, _OUTAGE),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z2a", "Two failed runs, then a good one", "crm",
        breaks=(("fail_runs", 2, 3, _OUTAGE),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z2b", "A run in progress on top of two failed ones", "crm",
        sets={"zendesk_took": _LONG_RUN},
        breaks=(("begin_run", timedelta(minutes=1)), ("fail_runs", 1, 2, _OUTAGE)),
        mends=_GOOD_RUN,
    ),
    Failure(
        "Z3", "The API token of the ticket sync is refused", "crm",
        opens=(Expected(_FAILING, "critical", "auth_config"),), later=(_STALE,),
        sets={"zendesk_error": _REFUSED},
        breaks=(("fail_runs", 1, 1, _REFUSED),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z3a", "A ticket whose subject speaks of a 401", "crm",
        breaks=(
            ("add_ticket", _OF_A_CUSTOMER),
            ("remark_on_last_run", f'skipped a picture in ticket "{_OF_A_CUSTOMER}"'),
        ),
        mends=_GOOD_RUN,
    ),
    Failure(
        "Z4", "Zendesk tells the ticket sync to slow down", "crm",
        opens=(Expected(_FAILING, "warning", "transient"),), later=(_STALE,),
        sets={"zendesk_error": _SLOW_DOWN},
        breaks=(("fail_runs", 1, 3, _SLOW_DOWN),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z4a", "One run was told to slow down, the next succeeded", "crm",
        breaks=(("fail_runs", 2, 2, _SLOW_DOWN),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z5", "The ticket sync cannot read what it gets", "crm",
        opens=(Expected(_FAILING, "warning", "data_logic"),), later=(_STALE,),
        sets={"zendesk_error": _GARBLED},
        breaks=(("fail_runs", 1, 3, _GARBLED),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z5-empty", "In a busy hour the ticket sync finds nothing", "crm", when="40 15 * * *",
        opens=(Expected(_LITTLE, "warning", "data_logic"),),
        sets={"zendesk_quiet": True}, breaks=(("empty_runs", timedelta(hours=2)),),
        mends=(("fill_runs",), *_GOOD_RUN),
    ),
    Failure(
        "Z5a", "In a quiet hour the ticket sync finds nothing", "crm", when="40 3 * * *",
        sets={"zendesk_quiet": True}, breaks=(("empty_runs", timedelta(hours=2)),),
        mends=(("fill_runs",), *_GOOD_RUN),
    ),
    Failure(
        "Z6", "No ticket sync starts any more", "crm",
        opens=(Expected(_NO_RUN, "warning", "scheduler"),), later=(_STALE,),
        sets={"zendesk_unscheduled": True},
        breaks=(("forget_late_runs", timedelta(minutes=32)),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z6a", "No ticket sync starts during its maintenance", "crm", when="30 2 * * sun",
        sets={"zendesk_hangs": True},
        breaks=(("forget_late_runs", timedelta(minutes=32)),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z6b", "A ticket sync has been in progress for 29 minutes", "crm",
        sets={"zendesk_hangs": True},
        breaks=(("begin_run", timedelta(minutes=29)),),
        keeps=(("hold_run", timedelta(minutes=29)),),
        mends=(("end_runs",), *_GOOD_RUN),
    ),
    Failure(
        "Z7", "A ticket sync hangs", "crm",
        opens=(Expected(_HANGS, "warning"),), holds=(_NO_RUN, _STALE),
        sets={"zendesk_hangs": True, "tickets_frozen": True},
        breaks=(("begin_run", timedelta(minutes=31)), ("age_tickets", timedelta(minutes=31))),
        mends=(("end_runs",), *_GOOD_RUN),
    ),
    Failure(
        "Z7a", "A ticket sync has been running for five minutes", "crm",
        sets={"zendesk_took": _LONG_RUN},
        breaks=(("begin_run", timedelta(minutes=5)),),
        mends=(("end_runs",), *_GOOD_RUN),
    ),
    Failure(
        "Z8", "Ticket syncs succeed and write nothing", "crm",
        opens=(Expected(_NOTHING, "warning", "data_logic"),),
        keeps=(("write_nothing", 3),), mends=(("write_all",), *_GOOD_RUN),
    ),
    Failure(
        "Z8a", "At night a ticket sync fetches nothing and writes nothing", "crm", when="40 2 * * *",
        sets={"zendesk_quiet": True}, breaks=(("empty_last_run",),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z9", "The next ticket sync succeeds, and tickets stay old", "crm",
        opens=(
            Expected(_FAILING, "warning", "transient", says="fresh_tickets"),
            Expected(_STALE, "warning"),
        ),
        sets={"zendesk_error": _OUTAGE, "tickets_frozen": True},
        breaks=(("fail_runs", 1, 3, _OUTAGE), ("age_tickets", timedelta(minutes=31))),
        acts=(Act(_SOON, _GOOD_RUN, {"zendesk_error": ""}),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z9a", "The ticket sync fails, and really recovers", "crm",
        opens=(Expected(_FAILING, "warning", "transient", recovers=True),),
        sets={"zendesk_error": _OUTAGE}, breaks=(("fail_runs", 1, 3, _OUTAGE),),
        acts=(Act(_SOON, _GOOD_RUN, {"zendesk_error": ""}),), mends=_GOOD_RUN,
    ),
    Failure(
        "Z10", "The ticket sync fails again after a proven recovery", "crm",
        opens=(
            Expected(_FAILING, "warning", "transient", recovers=True),
            Expected(_FAILING, "warning", "transient", repeats=True, team="engineering"),
        ),
        sets={"zendesk_error": _OUTAGE}, breaks=(("fail_runs", 1, 3, _OUTAGE),),
        acts=(
            Act(_SOON, _GOOD_RUN, {"zendesk_error": ""}),
            Act(_LATER, (("fail_runs", 1, 3, _OUTAGE),), {"zendesk_error": _OUTAGE}),
        ),
        mends=_GOOD_RUN,
    ),
    Failure(
        "Z10a", "The ticket sync fails of something else later that day", "crm",
        opens=(
            Expected(_FAILING, "warning", "transient", recovers=True),
            Expected(_FAILING, "warning", "data_logic"),
        ),
        sets={"zendesk_error": _OUTAGE}, breaks=(("fail_runs", 1, 3, _OUTAGE),),
        acts=(
            Act(_SOON, _GOOD_RUN, {"zendesk_error": ""}),
            Act(_LATER, (("fail_runs", 1, 3, _GARBLED),), {"zendesk_error": _GARBLED}),
        ),
        mends=_GOOD_RUN,
    ),
)  # fmt: skip
