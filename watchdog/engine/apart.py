"""Keeps what is done one by one apart: a mistake of ours in one thing ends neither others nor the service."""

import logging
from collections.abc import Awaitable

from watchdog.store.leases import LeaseLost
from watchdog.store.pool import TROUBLE

logger = logging.getLogger(__name__)


async def kept_apart(doing: Awaitable[None], words: str, **facts: object) -> None:
    """Do one thing of several; a mistake of ours in it is logged in these words, and ends there.

    Raises:
        LeaseLost, and what is in TROUBLE: That concerns all of them.
    """
    try:
        await doing
    except (*TROUBLE, LeaseLost):
        raise
    except Exception:
        logger.exception(words, extra=facts)
