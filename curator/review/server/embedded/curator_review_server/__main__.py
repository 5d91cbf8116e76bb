"""Start the review server: `python -m curator_review_server --home FOLDER --port N`.

`FOLDER/credentials.json` names the accounts. Exits with one of `Exit`'s numbers.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from .exits import Exit

if TYPE_CHECKING:
    from typing import BinaryIO


def main() -> int:
    """Read the arguments and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="curator_review_server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 for any that is free")
    given = parser.parse_args()
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    lock = acquire(given.home)
    if lock is None:
        return Exit.ALREADY_RUNNING
    with lock:
        try:
            listening = listen(given.host, given.port)
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            return Exit.PORT_IN_USE if in_use else Exit.NO_SUCH_ADDRESS
        with listening:
            return _serve(given.home, listening)


def _serve(home: Path, listening: socket.socket) -> int:
    try:
        from .patches import apply_all
        from .serve import ForeignDatabaseError, serve

        try:
            serve(home, listening, apply_all)
        except ForeignDatabaseError:
            return Exit.FOREIGN_DATABASE
    except ImportError:
        traceback.print_exc()
        return Exit.DAMAGED_ENVIRONMENT
    return 0


def _leave(*_: object) -> None:
    raise SystemExit(0)


def acquire(home: Path) -> BinaryIO | None:
    """Take the folder's lock and write our number into it; None where another server has it."""
    file = (home / "server.lock").open("a+b")
    for _ in range(20):  # somebody may be looking whether it is free
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
            continue
        file.truncate(0)
        file.write(b"%d\n" % os.getpid())
        file.flush()
        return file
    file.close()
    return None


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there, before the work of starting is done."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # What accepts connections inherits it: an answer's last packet waits for none before it.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


if __name__ == "__main__":
    sys.exit(main())
