"""A local server that speaks the OpenAI protocol and always answers the same."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def serving(
    *, stream: bool = True, status: int = 200, said: str = "由商家承担 [1]。"
) -> Iterator[Any]:
    """A server that speaks the OpenAI protocol; it keeps what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(json.dumps({"data": [{"id": "tiny"}]}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(json.loads(body) | {"key": self.headers.get("Authorization")})
            if not stream:
                self.reply(json.dumps({"choices": [{"message": {"content": said}}]}))
                return
            events = [json.dumps({"choices": [{"delta": {"content": c}}]}) for c in said]
            usage = json.dumps({"choices": [], "usage": {}})
            self.reply("".join(f"data: {e}\n\n" for e in (*events, usage, "[DONE]")))

        def reply(self, text: str) -> None:
            self.send_response(status)
            data = text.encode()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = asked  # type: ignore[attr-defined]
    server.url = f"http://127.0.0.1:{server.server_port}/v1"  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
