"""spaCy and Presidio without PyTorch, which both load along where it is installed.

Neither uses it for what is done here, and it takes longer to load than all the rest together.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNUSED = ("torch", "transformers")
_NEED_THEM = ("spacy_transformers", "spacy_curated_transformers")
"""With these installed, a spaCy model of the user's may be one that runs on PyTorch."""


@contextmanager
def without_torch() -> Iterator[None]:
    """While this lasts, an import of PyTorch or transformers fails, unless it was made before.

    Libraries that can do without them do. Nothing is left out where spaCy may need it.
    """
    wanted = any(find_spec(name) for name in _NEED_THEM)
    left_out = [] if wanted else [name for name in _UNUSED if name not in sys.modules]
    # None in `sys.modules` is Python's own way to say that a module is not to be had.
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]
