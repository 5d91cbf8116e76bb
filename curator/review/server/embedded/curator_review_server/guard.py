"""What stands before Argilla: nothing leaves the machine, and no other site reaches in.

- A browser is told to fetch from this server alone and to run no script but the server's own
  (Content-Security-Policy), so a record's text can neither call home nor act.
- On a loopback address only its own names are answered, so no foreign name that points there
  (DNS rebinding) gets an answer.
- What would make the server itself reach out (Hugging Face's hub, webhooks) is refused, and
  the pages about its interface, which ask other machines for scripts, are not there.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

_REACHES_OUT = re.compile(r"/api/v1/(datasets/[^/]+/(import|export)|jobs|webhooks)(/|$)")
_ABOUT = re.compile(r"/api/v1/(docs|redoc|openapi\.json)(/|$)")
_HEADERS = (
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: App, policy: str, hosts: Collection[str] | None) -> None:
        """Guard `app` with a Content-Security-Policy; answer to `hosts` alone, None for any."""
        self._app = app
        self._hosts = hosts
        self._headers = [*_HEADERS, (b"content-security-policy", policy.encode())]
        self.cut_short = False
        """Whether a request was ended before it had done all."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request; see the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        if self._hosts is not None and _host(scope) not in self._hosts:
            await _refuse(send_with_headers, 400, "this server answers to its own name alone")
        elif _REACHES_OUT.match(scope["path"]):
            await _refuse(send_with_headers, 403, "this server sends nothing out")
        elif _ABOUT.match(scope["path"]):
            await _refuse(send_with_headers, 404, "not found")
        else:
            try:
                await self._app(scope, receive, send_with_headers)
            except asyncio.CancelledError:
                self.cut_short = True
                raise


def _host(scope: Message) -> str:
    named = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return re.sub(r":\d+$", "", named).lower()


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
