"""Argilla's pages, as they are served: without what asks other machines for something.

Argilla copies its pages to a temporary folder at each start; that copy is changed here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

_FOREIGN = re.compile(r"@import\s+url\(\s*[\"']?https?:[^)]*\)[^;]*;")
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# The buttons to Hugging Face's hub, and the column that offers datasets of it; what they ask
# for is refused besides.
_HIDDEN = ".export-to-hub,.import-from-hub,.home__sidebar{display:none!important}"


def static_folder(app: Any) -> Path:
    """Return the folder that an Argilla application serves its pages from."""
    return next(
        Path(route.app.directory) for route in app.routes if getattr(route, "name", "") == "static"
    )


def make_private(folder: Path) -> None:
    """Take foreign fonts and the hub's buttons out of the pages."""
    for style in folder.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        private = _FOREIGN.sub("", text)
        if private != text:
            style.write_text(private + _HIDDEN, encoding="utf-8")


def policy(folder: Path) -> str:
    """Return the Content-Security-Policy of the pages: this server, and no script but its own."""
    inline = {
        script
        for page in folder.rglob("*.html")
        for script in _INLINE.findall(page.read_text(encoding="utf-8"))
    }
    digests = sorted(base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in inline)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {allowed}",
            "style-src 'self' 'unsafe-inline'",  # what the pages' components set as they run
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
