"""Stands in for `lorax-router`: answers /health with 200 while the first shard's socket is there.

The files that change its behaviour: router-fails (it ends at once), router-mute (it listens only
when the file is gone), router-unready (it answers 503), router-drains (asked to stop, it goes on
for as long as the file is there).
"""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import script


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        shard = Path(script.option("--master-shard-uds-path"))
        ready = shard.exists() and not script.asks("router-unready")
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


def _stop() -> None:
    script.record("router asked to stop")
    threading.Thread(target=_drain, daemon=True).start()


def _drain() -> None:
    script.wait_while_asked("router-drains")
    script.record("router drained")
    os._exit(0)


def _main() -> None:
    script.started("router")
    if script.asks("router-fails"):
        sys.exit('Exception in thread "main" java.net.BindException: port in use')
    script.at_sigterm(_stop)
    script.wait_while_asked("router-mute")
    server = ThreadingHTTPServer(("127.0.0.1", int(script.option("--port"))), _Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    script.sleep_for_ever()


_main()
