"""How the process ends when something is wrong, for the launcher and for Kubernetes."""

import logging
import os
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

from lorax_shard.failure import FailureCode

_LOG = logging.getLogger(__name__)
_TERMINATION_LOG = "/dev/termination-log"


class ExitCode(IntEnum):
    """What the launcher maps to a sentence of its own."""

    STOPPED = 0
    FAILED_AT_START = 1
    STEP_TIMED_OUT = 70
    DEVICE_BROKEN = 71
    OUT_OF_MEMORY = 72


def report(code: FailureCode, message: str, environment: Mapping[str, str] = os.environ) -> None:
    """One ERROR line, which is also what Kubernetes shows as the reason why a container ended."""
    # The traceback tells developers more and everybody else less.
    _LOG.error("%s", message, exc_info=_LOG.isEnabledFor(logging.DEBUG), extra={"code": code.value})
    path = Path(environment.get("LORAX_TERMINATION_LOG") or _TERMINATION_LOG)
    if path.exists() or "LORAX_TERMINATION_LOG" in environment:
        path.write_text(f"{code}: {message}", encoding="utf-8")


# What each exit code says to those who read words.
_CODES = {
    ExitCode.STEP_TIMED_OUT: FailureCode.STEP_TIMED_OUT,
    ExitCode.DEVICE_BROKEN: FailureCode.DEVICE_FAILED,
    ExitCode.OUT_OF_MEMORY: FailureCode.OUT_OF_MEMORY,
}


def end_now(code: ExitCode, message: str) -> NoReturn:
    """Ends a process in which some thread cannot end any more, such as one that waits for a GPU."""
    try:
        report(_CODES.get(code, FailureCode.SHARD_FAILED), message)
        logging.shutdown()
    finally:
        os._exit(code)
