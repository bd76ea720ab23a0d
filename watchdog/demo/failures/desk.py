"""What can break in support_desk: threads and a mail queue."""

from datetime import timedelta

from watchdog.demo.failure import Act, Burst, Expected, Failure

_RULE = "support_desk-"
_DOWN, _DEGRADED, _READY = f"{_RULE}api-down", f"{_RULE}degraded", f"{_RULE}not-ready"
_ENDS = f"{_RULE}certificate-ends"
_WAITING, _FAIL, _SLOW = f"{_RULE}mails-waiting", f"{_RULE}mails-fail", f"{_RULE}database-slow"
_VIEW = (("component", "thread_view"), ("route", "/threads/:id"))
_RECENTLY = timedelta(minutes=5)
_REVISION, _OTHER_REVISION = "a41c09e7d2f3", "b7730f1c55ae"
_LOG_LIMIT_MB = 30
_BROKEN_RELEASE = (
    Burst("unhandled_exception", 40),
    Burst("client_error", 25),
    Burst("email_delivery_failed", 12),
)
_A_WEEK_AFTER_A_31ST = "30 7 7 1,2,4,6,8,9,11 *"
"""Half an hour before the drill is done, an hour and a half before it is overdue."""

_A_WEEK_AFTER_A_30TH = "30 7 7 3,5,7,10,12 *"
"""When it would be, had the month a 31st; in March, a week after the last of February."""

_WINDOW = timedelta(minutes=6)
"""The longest window of five minutes in which lines are counted has passed."""

FAILURES = (
    Failure(
        "E1", "The support desk answers 503", "desk",
        opens=(Expected(_DOWN, "critical"),), holds=(_DEGRADED, _READY, _ENDS),
        sets={"desk_down": True},
    ),
    Failure(
        "E1a", "One probe of the support desk fails", "desk", sets={"desk_down_once": True}
    ),
    Failure(
        "E2", "More than a hundred mails wait", "desk",
        opens=(Expected(_DEGRADED, "warning"),),
        sets={"mails_waiting": 130}, mends=(("send_waiting_mails",),),
    ),
    Failure(
        "E2-failed", "Sixty mails failed twice while the mail server was away", "desk",
        opens=(Expected(_DEGRADED, "warning"),),
        breaks=(("fail_mails", 60, _RECENTLY, 2),), mends=(("send_failed_mails",),),
    ),
    Failure(
        "E2a", "Exactly a hundred mails wait and exactly fifty failed", "desk",
        sets={"mails_waiting": 100}, keeps=(("fill_failed_mails", 50),),
        mends=(("send_waiting_mails",), ("send_failed_mails",)),
    ),
    Failure(
        "E3", "The support desk runs at another migration than its database", "desk",
        opens=(Expected(_READY, "warning", "data_logic"),),
        sets={"revision_told": _OTHER_REVISION},
    ),
    Failure(
        "E3a", "The support desk and its database are at a new migration", "desk",
        breaks=(("set_revision", _OTHER_REVISION),), mends=(("set_revision", _REVISION),),
    ),
    Failure(
        "E4", "Three mails are stuck in the queue", "desk",
        opens=(Expected(_WAITING, "warning"),),
        sets={"mails_stuck": True},
        breaks=(("queue_mails", 3, timedelta(minutes=16)),), mends=(("send_waiting_mails",),),
    ),
    Failure(
        "E4a", "Ninety mails wait, and move", "desk",
        sets={"mails_waiting": 90}, mends=(("send_waiting_mails",),),
    ),
    Failure(
        "E5", "Three mails fail for good", "desk",
        opens=(Expected(_FAIL, "warning", "transient"),),
        breaks=(("fail_mails", 3, _RECENTLY, 5),), mends=(("send_failed_mails",),),
    ),
    Failure(
        "E5a", "Three mails have failed four times, not five", "desk",
        breaks=(("fail_mails", 3, _RECENTLY, 4),), mends=(("send_failed_mails",),),
    ),
    Failure(
        "E5b", "Three mails that failed for good fail again an hour later", "desk",
        opens=(Expected(_FAIL, "warning", "transient", recovers=True),),
        breaks=(("fail_mails", 3, _RECENTLY, 5),), mends=(("send_failed_mails",),),
        acts=(Act(timedelta(minutes=65), (("try_mails_again",),)),),
    ),
    Failure(
        "E6", "The mail worker is dead", "desk",
        opens=(Expected(f"{_RULE}worker-silent", "critical"),), later=(_WAITING,),
        sets={"worker_dead": True}, mends=(("send_waiting_mails",),),
        takes=timedelta(minutes=3),
    ),
    Failure(
        "E6a", "The mail worker says nothing for 61 seconds", "desk",
        sets={"worker_dead": True}, acts=(Act(timedelta(seconds=61), sets={"worker_dead": False}),),
    ),
    Failure(
        "E7", "Three mails are written twice", "desk",
        opens=(Expected(f"{_RULE}mails-twice", "warning", "data_logic"),),
        breaks=(("repeat_mails", 3),), mends=(("forget_repeated_mails",),),
    ),
    Failure(
        "E7a", "Ten mails have no key at all", "desk",
        breaks=(("write_keyless_mails", 10),), mends=(("forget_repeated_mails",),),
    ),
    Failure(
        "E8", "A release breaks the thread view, an API call and the mails", "desk",
        opens=(
            Expected(f"{_RULE}errors-spike", "warning"),
            Expected(f"{_RULE}client-errors", "warning", "", _VIEW),
            Expected(f"{_RULE}deliveries-refused", "warning"),
        ),
        sets={"bursts": _BROKEN_RELEASE}, fades=_WINDOW, when="0 12 * * *",
    ),
    Failure(
        "E8a", "A release breaks everything during its maintenance", "desk",
        sets={"bursts": _BROKEN_RELEASE}, fades=_WINDOW, when="15 4 * * tue",
    ),
    Failure(
        "E9", "Forty token checks fail within ten minutes", "desk",
        opens=(Expected(f"{_RULE}tokens-refused", "warning", "auth_config"),),
        sets={"bursts": (Burst("token_verification_failed", 40),)}, fades=2 * _WINDOW,
    ),
    Failure(
        "E9a", "Twenty token checks fail within ten minutes", "desk",
        sets={"bursts": (Burst("token_verification_failed", 20, 2 * _WINDOW),)}, fades=2 * _WINDOW,
    ),
    Failure(
        "E10", "The mail log grows, and nobody archives it", "desk",
        opens=(
            Expected(f"{_RULE}mail-log-large", "info"),
            Expected(f"{_RULE}mail-log-old", "info"),
        ),
        sets={"archive_stopped": True},
        breaks=(("fill_mail_log", _LOG_LIMIT_MB + 4, timedelta(days=91)),),
        mends=(("archive_mail_log",),),
    ),
    Failure(
        "E10a", "The mail log is just below its limits of size and age", "desk",
        sets={"archive_stopped": True},
        breaks=(("fill_mail_log", _LOG_LIMIT_MB - 1, timedelta(days=89)),),
        mends=(("archive_mail_log",),),
    ),
    Failure(
        "E11", "The backup job has not run for three days", "desk",
        opens=(Expected(f"{_RULE}backup-old", "warning"),), sets={"backups_stopped": True},
    ),
    Failure(
        "E11-drill", "The restore drill of a month is not done within its week", "desk",
        opens=(Expected(f"{_RULE}drill-overdue", "warning"),),
        sets={"drill_stopped": True}, when=_A_WEEK_AFTER_A_31ST, takes=timedelta(hours=2),
    ),
    Failure(
        "E11a", "A month has no 31st, and no restore drill", "desk",
        sets={"drill_stopped": True}, when=_A_WEEK_AFTER_A_30TH, takes=timedelta(hours=2),
    ),
    Failure(
        "E12", "The support desk's database is slow", "desk",
        opens=(Expected(_SLOW, "warning"),),
        breaks=(("slow_down",),), mends=(("speed_up",),),
    ),
    Failure(
        "E12a", "The support desk's database is slow once", "desk",
        breaks=(("slow_down",),), mends=(("speed_up",),),
        acts=(Act(timedelta(seconds=4), (("speed_up",),)),),
    ),
    Failure(
        "E13", "Five tokens that are used end within a day", "desk",
        opens=(Expected(f"{_RULE}tokens-end", "info"),),
        sets={"tokens_forgotten": True},
        breaks=(("end_tokens", 5, timedelta(hours=20), False),), mends=(("extend_tokens",),),
    ),
    Failure(
        "E13-certificate", "The desk's certificate ends in 13 days", "desk",
        opens=(Expected(_ENDS, "warning"),), sets={"certificate_ends_in": timedelta(days=13)},
    ),
    Failure(
        "E13a", "The certificate ends in 15 days, five tokens that are used in 25 hours", "desk",
        sets={"tokens_forgotten": True, "certificate_ends_in": timedelta(days=15)},
        breaks=(("end_tokens", 5, timedelta(hours=25), False),), mends=(("extend_tokens",),),
    ),
    Failure(
        "E13b", "Five tokens that were revoked end within a day", "desk",
        sets={"tokens_forgotten": True},
        breaks=(("end_tokens", 5, timedelta(hours=20), True),), mends=(("extend_tokens",),),
    ),
)  # fmt: skip
