"""Log lines: JSON in loguru's layout, which the launcher reads, or text on a terminal."""

import json
import logging
import sys
import traceback
from typing import Any

LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "SUCCESS": 25, "WARNING": 30, "ERROR": 40}
# What lines may carry beside their text: why the process ended, over which requests a step failed.
_EXTRA = ("code", "request_ids")


class LoguruFormatter(logging.Formatter):
    """One JSON object a line: {"text", "record": {"level": {"name"}, "message", ...}}."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; an exception's traceback goes into the text."""
        message = record.getMessage()
        exception = None
        if record.exc_info and record.exc_info[0] is not None:
            exception = "".join(traceback.format_exception(*record.exc_info))
        body: dict[str, Any] = {
            "exception": exception,
            "extra": {key: vars(record)[key] for key in _EXTRA if key in vars(record)},
            "file": {"name": record.filename, "path": record.pathname},
            "function": record.funcName,
            "level": {"name": record.levelname, "no": record.levelno},
            "line": record.lineno,
            "message": message,
            "module": record.module,
            "name": record.name,
            "process": {"id": record.process, "name": record.processName},
            "thread": {"id": record.thread, "name": record.threadName},
            "time": {"repr": self.formatTime(record), "timestamp": record.created},
        }
        text = message if exception is None else f"{message}\n{exception}"
        return json.dumps({"text": text + "\n", "record": body}, ensure_ascii=False)


def configure_logging(level: str, json_output: bool) -> None:
    """Sends everything to standard output, where the launcher reads it."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        LoguruFormatter()
        if json_output
        else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
