"""What can break in background_sync: tickets of many organisations."""

from datetime import timedelta

from watchdog.demo.failure import Act, Expected, Failure, Step

_RULE = "background_sync-"
_SLOT, _DEAD = f"{_RULE}slot-missed", f"{_RULE}scheduler-dead"
_OUTAGE = "Zendesk answered 503 Service Unavailable"
_REFUSED = "invalid credentials: Zendesk answered 401 Unauthorized"
_OFFICE = "abidjan-toys"
"""Syncs from nine to five on weekdays; its clock is that of UTC."""

_MISSED, _FAILING, _SLOW, _POOR = "denver-books", "nairobi-books", "montevideo-books", "lima-foods"
_LOCKED_OUT, _NEW, _UNTOLD = "tokyo-foods", "reykjavik-dairy", "seoul-bikes"
_OTHERS = ("lagos-books", "cairo-books", "tunis-books")
_LONG = timedelta(hours=25)
_HALF_AN_HOUR = timedelta(minutes=30)
_BEFORE_BERLIN_SKIPS = "30 0 25-31 3 */7"
"""Half an hour before three o'clock follows one o'clock in Berlin: on the last Sunday of March.

`*/7` is a Sunday too, but unlike `sun` it must be so besides the date.
"""

_TO_SYDNEY = timedelta(days=6, hours=15)
"""From then until half an hour before two o'clock comes again in Sydney, on the next Sunday there."""

_SKIPPING, _REPEATING = "berlin-bikes", "sydney-bikes"
"""They sync every hour."""

_MEDIAN_MS = 900


def _zendesk_of(organisation_id: str) -> tuple[tuple[str, str], ...]:
    return (("organization_id", organisation_id), ("system_type", "zendesk"))


def _synced(organisation_id: str) -> tuple[Step, ...]:
    """Return what a sync by hand leaves behind."""
    return (("add_good_sync", organisation_id), ("note_last_syncs", organisation_id))


FAILURES = (
    Failure(
        "B1", "One organisation misses its slots", "web_sync",
        opens=(Expected(_SLOT, "warning", "scheduler", _zendesk_of(_MISSED)),),
        sets={"organisations_left_alone": (_MISSED,)},
        breaks=(("hide_syncs", _MISSED, "1 hour"), ("note_last_syncs", _MISSED)),
        mends=_synced(_MISSED),
    ),
    Failure(
        "B1a", "At three at night an organisation with office hours is idle", "web_sync",
        sets={"organisations_left_alone": (_OFFICE,)}, when="0 3 * * tue",
    ),
    Failure(
        "B1b", "On Saturday an organisation with office hours is idle", "web_sync",
        sets={"organisations_left_alone": (_OFFICE,)}, when="0 12 * * sat",
    ),
    Failure(
        "B1c", "Clocks are turned, and two organisations seem to miss a slot", "web_sync",
        sets={"organisations_left_alone": (_SKIPPING,)}, when=_BEFORE_BERLIN_SKIPS,
        acts=(
            Act(_HALF_AN_HOUR * 3 / 2),  # 03:15 in Berlin: two o'clock has not been
            Act(_HALF_AN_HOUR * 3, sets={"organisations_left_alone": ()}),
            Act(_TO_SYDNEY, sets={"organisations_left_alone": (_REPEATING,)}),
            Act(_TO_SYDNEY + _HALF_AN_HOUR * 3),  # 03:00 in Sydney: two o'clock has been twice
        ),
    ),
    Failure(
        "B2", "One organisation's sync keeps failing", "web_sync",
        opens=(
            Expected(f"{_RULE}runs-failing", "warning", "transient", _zendesk_of(_FAILING)),
        ),
        sets={"organisations_failing": {_FAILING: _OUTAGE}},
        breaks=(("fail_syncs", _FAILING, 3, _OUTAGE),), mends=(("add_good_sync", _FAILING),),
    ),
    Failure(
        "B2a", "Three organisations fail once each", "web_sync",
        breaks=tuple(("fail_syncs", other, 1, _OUTAGE) for other in _OTHERS),
        mends=tuple(("add_good_sync", other) for other in _OTHERS),
    ),
    Failure(
        "B3", "The credentials of one organisation are refused", "web_sync",
        opens=(
            Expected(
                f"{_RULE}runs-failing", "critical", "auth_config", _zendesk_of(_LOCKED_OUT)
            ),
        ),
        sets={"organisations_failing": {_LOCKED_OUT: _REFUSED}},
        breaks=(("fail_syncs", _LOCKED_OUT, 1, _REFUSED),), mends=(("add_good_sync", _LOCKED_OUT),),
    ),
    Failure(
        "B3a", "An organisation was refused once and is not; another one fails once", "web_sync",
        breaks=(
            ("fail_earlier_sync", _OTHERS[0], 1, _REFUSED), ("fail_syncs", _OTHERS[1], 1, _OUTAGE),
        ),
        mends=tuple(("add_good_sync", other) for other in _OTHERS[:2]),
    ),
    Failure(
        "B4", "A new organisation has not synced on its first day", "web_sync",
        opens=(Expected(f"{_RULE}never-synced", "warning", "", _zendesk_of(_NEW)),),
        breaks=(("connect_organisation", _NEW, 1),), mends=_synced(_NEW),
        takes=_LONG,
    ),
    Failure(
        "B4a", "A new organisation is not switched on yet", "web_sync",
        breaks=(("connect_organisation", "akureyri-dairy", 0),),
        mends=(("forget_organisation", "akureyri-dairy"),),
        takes=_LONG,
    ),
    Failure(
        "B4b", "A new organisation is an hour old", "web_sync",
        breaks=(("connect_organisation", "husavik-dairy", 1),),
        mends=(("forget_organisation", "husavik-dairy"),),
        takes=timedelta(hours=1),
    ),
    Failure(
        "B5", "The syncs of one organisation take five times as long", "web_sync",
        opens=(Expected(f"{_RULE}runs-slow", "warning", "", _zendesk_of(_SLOW)),),
        sets={"organisations_slow": (_SLOW,)},
        breaks=(("slow_syncs", _SLOW, 5, 5 * _MEDIAN_MS),),
        mends=(("slow_syncs", _SLOW, 20, _MEDIAN_MS),),
    ),
    Failure(
        "B5a", "One sync of an organisation takes ten minutes", "web_sync",
        breaks=(("slow_syncs", "abidjan-books", 1, 600_000),),
        mends=(("slow_syncs", "abidjan-books", 1, _MEDIAN_MS),),
    ),
    Failure(
        "B6", "The syncs of one organisation bring hardly any records", "web_sync",
        opens=(
            Expected(f"{_RULE}records-collapse", "warning", "data_logic", _zendesk_of(_POOR)),
        ),
        breaks=(("set_records", _POOR, "2 days", 0),), mends=(("set_records", _POOR, "2 days", 8),),
    ),
    Failure(
        "B6a", "An organisation that closes on Sundays is looked at on a Monday", "web_sync",
        breaks=(("set_sunday_records", _POOR, 0),), mends=(("set_sunday_records", _POOR, 8),),
        when="0 5 * * mon",
    ),
    Failure(
        "B7", "The status of one organisation cannot be told", "web_sync",
        opens=(
            Expected(f"{_RULE}status-endpoint", "warning", "", (("organization_id", _UNTOLD),)),
        ),
        sets={"statuses_refused": (_UNTOLD,)},
    ),
    Failure(
        "B7a", "One probe of an organisation's status fails", "web_sync",
        sets={"statuses_refused_once": (_UNTOLD,)},
    ),
    Failure(
        "B8", "The whole scheduler is dead", "web_sync",
        opens=(Expected(_DEAD, "critical", "scheduler"),), holds=(_SLOT,),
        sets={"scheduler_dead": True},
        breaks=(("hide_syncs", "%", "35 minutes"), ("note_last_syncs", "%")),
        mends=_synced(_FAILING),
    ),
    Failure(
        "B8a", "At night nothing is due for organisations with office hours", "web_sync",
        sets={"scheduler_dead": True},
        breaks=(("keep_office_hours_only",),), mends=(("switch_on_again",),),
        when="0 12 * * sat",
    ),
)  # fmt: skip
