"""What can break in servicetitan_sync: customers into contacts."""

from datetime import timedelta

from watchdog.demo.failure import Act, Expected, Failure
from watchdog.demo.places import tenant_of

_RULE = "servicetitan_sync-"
_STUCK, _IDLE, _FLOOD = f"{_RULE}sync-stuck", f"{_RULE}not-running", f"{_RULE}contacts-flood"
_ENDED, _BEHIND, _MOVED = f"{_RULE}workflow-ended", f"{_RULE}catch-up", f"{_RULE}cursor-moved"

_AT_HOME = "abidjan-heating"
"""A workspace whose clock is that of UTC."""
_REFUSED, _WALKED, _SCATTERED = "denver-electric", "seoul-heating", "perth-electric"
_FROZEN, _CAUGHT_UP, _SET_BACK = "lagos-heating", "lagos-plumbing", "chicago-heating"
_REMARK = "run in sequence"

_NIGHT = timedelta(hours=10)
_MINUTES = [timedelta(minutes=n) for n in range(60)]
_BEFORE_THE_QUARTER = "13 12 * * *"
_TO_THE_QUARTER = timedelta(minutes=2)
_QUARTER_OVER = timedelta(minutes=16)


def _of(workspace_id: str) -> tuple[tuple[str, str], ...]:
    return (("workspace_id", workspace_id),)


def _left_alone(id_: str, title: str, when: str, workspace_id: str, since: timedelta) -> Failure:
    """Return a twin of S4: nothing has synced, and nobody could have expected it."""
    return Failure(
        id_, title, "crm",
        sets={"workspaces_left_alone": (workspace_id,)},
        breaks=(("leave_contact_sync", workspace_id, since),),
        mends=(("end_contact_sync", workspace_id),), when=when,
    )  # fmt: skip


FAILURES = (
    Failure(
        "S1", "A contact sync is stuck in running", "crm",
        opens=(Expected(_STUCK, "warning", "", _of("berlin-heating")),),
        sets={"workspaces_hung": ("berlin-heating",)},
        breaks=(("run_contact_sync", "berlin-heating", _MINUTES[31]),),
        mends=(("end_contact_sync", "berlin-heating"),),
    ),
    Failure(
        "S1a", "A contact sync has been running for ten minutes", "crm",
        sets={"workspaces_left_alone": ("lima-plumbing",)},
        keeps=(("run_contact_sync", "lima-plumbing", _MINUTES[10]),),
        mends=(("end_contact_sync", "lima-plumbing"),),
    ),
    Failure(
        "S2", "A contact sync updates far too many contacts at night", "crm",
        opens=(Expected(_FLOOD, "critical", "data_logic", _of(_WALKED)),),
        sets={"workspaces_walked": (_WALKED,)},
        breaks=(("walk_contacts", _WALKED),), mends=(("rest_contacts", _WALKED),),
        when=_BEFORE_THE_QUARTER, takes=_TO_THE_QUARTER, fades=_QUARTER_OVER,
    ),
    Failure(
        "S2a", "A contact sync catches up with a day, and updates many", "crm",
        opens=(Expected(_BEHIND, "info", "", _of(_CAUGHT_UP), recovers=True),),
        sets={"cursors_frozen": (_CAUGHT_UP,)},
        mends=(("rest_contacts", _CAUGHT_UP),),
        acts=(
            Act(timedelta(hours=24, minutes=30)),
            Act(
                timedelta(hours=24, minutes=33),
                (("walk_contacts", _CAUGHT_UP), ("set_cursor", _CAUGHT_UP, timedelta())),
                {"cursors_frozen": ()},
            ),
        ),
        when="40 11 * * *", takes=timedelta(hours=24, minutes=37), fades=_QUARTER_OVER,
    ),
    Failure(
        "S3", "A contact sync walks through the whole table, number by number", "crm",
        opens=(Expected(_FLOOD, "critical", "data_logic", _of("cairo-plumbing"), _REMARK),),
        sets={"workspaces_walked": ("cairo-plumbing",)},
        breaks=(("walk_contacts", "cairo-plumbing"),), mends=(("rest_contacts", "cairo-plumbing"),),
        when=_BEFORE_THE_QUARTER, takes=_TO_THE_QUARTER, fades=_QUARTER_OVER,
    ),
    Failure(
        "S3a", "Many contacts are updated whose numbers lie far apart", "crm",
        opens=(
            Expected(_FLOOD, "critical", "data_logic", _of(_SCATTERED), omits=_REMARK),
        ),
        breaks=(("import_contacts", _SCATTERED, 90),),
        mends=(("forget_imported_contacts", _SCATTERED),),
        when=_BEFORE_THE_QUARTER, takes=_TO_THE_QUARTER, fades=_QUARTER_OVER,
    ),
    Failure(
        "S4", "A contact sync does not run in working hours", "crm",
        opens=(Expected(_IDLE, "warning", "scheduler", _of("berlin-plumbing")),),
        sets={"workspaces_left_alone": ("berlin-plumbing",)},
        breaks=(("leave_contact_sync", "berlin-plumbing", _MINUTES[36]),),
        mends=(("end_contact_sync", "berlin-plumbing"),), when="0 12 * * *",
    ),
    Failure(
        "S4a", "A contact sync that is switched off does not run", "crm",
        sets={"workspaces_left_alone": ("berlin-electric",)},
        breaks=(
            ("enable_contact_sync", "berlin-electric", False),
            ("leave_contact_sync", "berlin-electric", 6 * _NIGHT),
        ),
        mends=(
            ("enable_contact_sync", "berlin-electric", True),
            ("end_contact_sync", "berlin-electric"),
        ),
        when="0 12 * * *",
    ),
    _left_alone("S4b", "At 05:59 nothing has synced since 19:59", "59 5 * * *", _AT_HOME, _NIGHT),
    _left_alone("S4c", "At 06:01 nothing has synced since 20:01", "1 6 * * *", _AT_HOME, _NIGHT),
    Failure(
        "S4d", "At 06:34 nothing has synced since 20:00; then it does", "crm",
        sets={"workspaces_left_alone": (_AT_HOME,)},
        breaks=(("leave_contact_sync", _AT_HOME, _NIGHT + _MINUTES[34]),),
        mends=(("end_contact_sync", _AT_HOME),), when="34 6 * * *",
        acts=(Act(timedelta(seconds=30), (("end_contact_sync", _AT_HOME),)),),
    ),
    _left_alone("S4e", "At 20:01 nothing has synced for two hours", "1 20 * * *", _AT_HOME, _NIGHT / 5),
    Failure(
        "S5", "A workspace's CRM refuses our credentials", "crm",
        opens=(
            Expected(
                f"{_RULE}credentials", "critical", "auth_config",
                (*_of(_REFUSED), ("tenant_id", str(tenant_of(_REFUSED)))),
            ),
        ),
        sets={"customers_refused": (_REFUSED,)},
    ),
    Failure(
        "S5a", "One probe of a workspace's CRM fails", "crm",
        sets={"customers_refused_once": (_REFUSED,)},
    ),
    Failure(
        "S6", "One workflow ends with an error, another one by force", "crm",
        opens=(
            Expected(_ENDED, "warning", "", _of("dubai-heating")),
            Expected(_ENDED, "warning", "", _of("dubai-electric")),
        ),
        sets={
            "workspaces_left_alone": ("dubai-heating", "dubai-electric"),
            "workflows_terminated": ("dubai-electric",),
        },
        keeps=(
            ("fail_contact_sync", "dubai-heating"),
            ("run_contact_sync", "dubai-electric", _MINUTES[5]),
        ),
        mends=(("end_contact_sync", "dubai-heating"), ("end_contact_sync", "dubai-electric")),
    ),
    Failure(
        "S6a", "A workflow runs", "crm",
        sets={"workspaces_left_alone": ("dubai-roofing",)},
        keeps=(("run_contact_sync", "dubai-roofing", _MINUTES[5]),),
        mends=(("end_contact_sync", "dubai-roofing"),),
    ),
    Failure(
        "S7", "A cursor has not moved for more than a day", "crm",
        opens=(Expected(_BEHIND, "info", "", _of(_FROZEN)),),
        sets={"cursors_frozen": (_FROZEN,)},
        mends=(("set_cursor", _FROZEN, timedelta()),), takes=timedelta(hours=25),
    ),
    Failure(
        "S7-back", "A cursor is set back by two days, and a large catch-up follows", "crm",
        opens=(
            Expected(_MOVED, "warning", "data_logic", _of(_SET_BACK), recovers=True),
            Expected(_BEHIND, "info", "", _of(_SET_BACK), recovers=True),
        ),
        sets={"cursors_frozen": (_SET_BACK,)},
        breaks=(("set_cursor", _SET_BACK, timedelta(days=-2)),),
        mends=(("end_contact_sync", _SET_BACK),),
        acts=(
            Act(
                timedelta(seconds=45),
                (("walk_contacts", _SET_BACK), ("set_cursor", _SET_BACK, timedelta())),
                {"cursors_frozen": ()},
            ),
        ),
        when=_BEFORE_THE_QUARTER, takes=_TO_THE_QUARTER, fades=_QUARTER_OVER,
    ),
    Failure(
        "S7a", "A cursor has not moved for the ten hours of a night", "crm",
        sets={"workspaces_left_alone": (_AT_HOME,)}, when="50 5 * * *",
    ),
    Failure(
        "S8", "Three customers stand twice in one workspace", "crm",
        opens=(Expected(f"{_RULE}duplicates", "warning", "data_logic", _of("lima-roofing")),),
        breaks=(("repeat_contacts", "lima-roofing", 3),),
        mends=(("forget_imported_contacts", "lima-roofing"),),
    ),
    Failure(
        "S8a", "Five contacts are no customers of the CRM", "crm",
        breaks=(("add_keyless_contacts", "bogota-heating", 5),),
        mends=(("forget_imported_contacts", "bogota-heating"),),
    ),
    Failure(
        "S8b", "The same customers stand in two workspaces", "crm",
        breaks=(
            ("import_contacts", "bogota-heating", 3), ("import_contacts", "bogota-roofing", 3),
        ),
        mends=(
            ("forget_imported_contacts", "bogota-heating"),
            ("forget_imported_contacts", "bogota-roofing"),
        ),
    ),
    Failure(
        "S9", "Three contact syncs in a row complete with errors inside", "crm",
        opens=(
            Expected(f"{_RULE}errors-inside", "warning", "data_logic", _of("tokyo-heating")),
        ),
        sets={"workspaces_erring": ("tokyo-heating",)},
        breaks=(("end_with_errors", "tokyo-heating", 4),),
        acts=(
            Act(timedelta(seconds=10), (("end_with_errors", "tokyo-heating", 3),)),
            Act(timedelta(seconds=20), (("end_with_errors", "tokyo-heating", 4),)),
        ),
        mends=(("end_contact_sync", "tokyo-heating"),),
    ),
    Failure(
        "S9a", "One contact sync with errors inside is looked at many times", "crm",
        breaks=(("end_with_errors", "tokyo-electric", 4),),
        mends=(("end_contact_sync", "tokyo-electric"),),
    ),
    Failure(
        "S10", "One cursor goes back by twelve hours, another one lies ahead of now", "crm",
        opens=(
            Expected(_MOVED, "warning", "data_logic", _of("manila-heating")),
            Expected(_MOVED, "warning", "data_logic", _of("manila-roofing")),
        ),
        sets={"cursors_frozen": ("manila-heating", "manila-roofing")},
        breaks=(
            ("set_cursor", "manila-heating", timedelta(hours=-12)),
            ("set_cursor", "manila-roofing", timedelta(hours=2)),
        ),
        mends=(("end_contact_sync", "manila-heating"), ("end_contact_sync", "manila-roofing")),
    ),
    Failure(
        "S10a", "A cursor advances", "crm",
        breaks=(("set_cursor", "manila-plumbing", timedelta()),),
        mends=(("end_contact_sync", "manila-plumbing"),),
    ),
)  # fmt: skip
