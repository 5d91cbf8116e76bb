"""Connects to a Ray cluster and tells on stdout, as JSON, which error there was, if any.

    python -m curator.engine.ray.knock HOST:PORT

Runs in a process of its own, since a connection that does not come about takes its process
along or never ends.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    """Try it once."""
    import ray  # noqa: PLC0415

    error = None
    try:
        ray.init(address=sys.argv[1], log_to_driver=False, configure_logging=False)
        ray.cluster_resources()  # type: ignore[no-untyped-call]
    except Exception as caught:  # noqa: BLE001 - whichever: it is told
        chain: list[BaseException] = [caught]
        while (cause := chain[-1].__cause__) is not None:
            chain.append(cause)
        error, said = type(chain[-1]).__name__, " ".join(map(str, chain)).lower()
        if "version" in said:
            error = "other versions of Python or Ray"
        elif "authenticat" in said or "token" in said:
            error = "AuthenticationError"
    sys.stdout.write(json.dumps({"error": error}) + "\n")
    sys.stdout.flush()
    # Ray's own parting takes a second, and may hang where the connection failed.
    os._exit(0)


if __name__ == "__main__":
    main()
