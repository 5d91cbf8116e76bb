"""Imports of libraries that bring along others which are never used."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let a library that is imported in the block find that others are not installed.

    For what it would only look at whether it is there: such a look takes longer than
    the work it is imported for. What is imported already stays. Another thread must
    not import these meanwhile.

    Args:
        names: the modules that an import in the block does not find.

    """
    with in_place_of(**dict.fromkeys(names)):
        yield


@contextmanager
def in_place_of(**modules: ModuleType | None) -> Iterator[None]:
    """Let a library that is imported in the block find these modules, as far as none is there yet.

    Args:
        modules: what is found by each name; None: nothing.

    """
    put = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(put)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in put:
            del sys.modules[name]
