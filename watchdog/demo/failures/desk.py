"""What can break in support_desk: threads and a mail queue."""

from datetime import timedelta

from watchdog.demo.failure import Expected, Failure

_UP, _DEGRADED, _READY = "desk-up", "desk-degraded", "desk-ready"
_RECENTLY, _EARLIER = timedelta(minutes=5), timedelta(minutes=65)

FAILURES = (
    Failure(
        "E1", "The support desk answers 503", "desk",
        opens=(Expected(_UP, "critical"),), holds=(_DEGRADED, _READY), sets={"desk_down": True},
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
        "E2a", "Exactly a hundred mails wait and exactly fifty failed", "desk",
        sets={"mails_waiting": 100}, keeps=(("fill_failed_mails", 50),),
        mends=(("send_waiting_mails",), ("send_failed_mails",)),
    ),
    Failure(
        "E4", "Three mails are stuck in the queue", "desk",
        opens=(Expected("email-queue-stuck", "warning"),),
        sets={"mails_stuck": True},
        breaks=(("queue_mails", 3, timedelta(minutes=16)),), mends=(("send_waiting_mails",),),
    ),
    Failure(
        "E4a", "Ninety mails wait, and move", "desk",
        sets={"mails_waiting": 90}, mends=(("send_waiting_mails",),),
    ),
    Failure(
        "E5", "Three mails fail for good", "desk",
        opens=(Expected("email-failed-for-good", "warning", "transient"),),
        breaks=(("fail_mails", 3, _RECENTLY, 5),), mends=(("send_failed_mails",),),
    ),
    Failure(
        "E5a", "Three mails have failed four times, not five", "desk",
        breaks=(("fail_mails", 3, _RECENTLY, 4),), mends=(("send_failed_mails",),),
    ),
    Failure(
        "E5b", "Three mails that failed for good are still there an hour later", "desk",
        breaks=(("fail_mails", 3, _EARLIER, 5),), mends=(("send_failed_mails",),),
    ),
)  # fmt: skip
