"""Language models that answer: a local folder of transformers, or an OpenAI-compatible server.

Both give the answer piece by piece, as it is made, and make the same one again (greedy).
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from curator.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Messages = Sequence[Mapping[str, str]]

API_KEY = "CURATOR_API_KEY"
"""The environment variable that holds a server's key, where it wants one."""
_SECONDS = 120.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Generator(Protocol):
    """Continues a conversation."""

    def __call__(self, messages: Messages, most: int) -> Iterator[str]:
        """Yield the answer's pieces, at most `most` tokens in all.

        Raises:
            ModelError: the model cannot be loaded, or does not answer.
        """
        ...


def load_generator(model: str, name: str | None = None) -> Generator:
    """Return the model that answers.

    Args:
        model: a folder, or the URL of a server (`http://localhost:8000/v1`).
        name: the model's name on the server; without it, the first that the server lists.

    Raises:
        ModelError: there is no such folder, or it holds no language model.
    """
    if urlsplit(model).scheme in ("http", "https"):
        return Server(model, name)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise ModelError(
            f"no such model here: {model}",
            "name a folder of a transformers model, or a server's URL that begins with http",
        )
    return Local(folder)


class Local:
    """A model in a folder: what training made, or any causal language model of transformers."""

    def __init__(self, folder: Path) -> None:
        """Load nothing yet: a question that the corpus does not answer needs no model."""
        self._folder = folder

    @cached_property
    def loaded(self) -> tuple[Any, Any]:
        """The tokenizer and the model; adapters (LoRA) are put onto their base model."""
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - heavy
        from transformers.utils import logging  # noqa: PLC0415 - heavy

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        folder = str(self._folder)
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ModelError(
                f"{folder} holds no language model that can be loaded ({type(error).__name__})",
                "name a folder that has config.json, weights and tokenizer; adapters need the"
                " extra train",
            ) from None
        return tokenizer, model.eval()

    def __call__(self, messages: Messages, most: int) -> Iterator[str]:
        """See `Generator`."""
        from threading import Thread  # noqa: PLC0415 - only here

        from transformers import TextIteratorStreamer  # noqa: PLC0415 - heavy

        tokenizer, model = self.loaded
        inputs = self._inputs(messages, most)
        streamer: Any = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
        failed: list[BaseException] = []

        def work() -> None:
            try:
                model.generate(
                    **inputs,
                    max_new_tokens=most,
                    do_sample=False,
                    streamer=streamer,
                    pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
                )
            except (RuntimeError, ValueError, IndexError) as error:
                failed.append(error)
                streamer.end()

        thread = Thread(target=work, daemon=True)
        thread.start()
        yield from (piece for piece in streamer if piece)
        thread.join()
        if failed:
            raise ModelError(
                f"the model does not answer ({type(failed[0]).__name__})",
                "give it fewer passages with --top, or another model",
            )

    def _inputs(self, messages: Messages, most: int) -> Any:
        """Return the prompt's tokens; where it is too long for the model, its start is cut off."""
        tokenizer, model = self.loaded
        text = prompt(tokenizer, messages)
        longest = getattr(model.config, "max_position_embeddings", None) or 1 << 20
        inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        kept = max(1, longest - most)
        return {name: value[:, -kept:] for name, value in inputs.items()}


def prompt(tokenizer: Any, messages: Messages) -> str:
    """Return the messages as the model's template wants them, or plainly where it has none."""
    from jinja2 import TemplateError  # noqa: PLC0415 - only here

    plain = "\n\n".join(message["content"] for message in messages)
    if not tokenizer.chat_template:
        return f"{plain}\n\n"
    for said in (list(messages), [{"role": "user", "content": plain}]):
        try:
            return str(
                tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
            )
        except TemplateError:
            continue  # some templates know no system message
    return f"{plain}\n\n"


class Server:
    """A server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, or a remote one."""

    def __init__(self, url: str, name: str | None) -> None:
        """Ask nothing yet."""
        self._url = url.rstrip("/")
        self._name = name

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return urlsplit(self._url).hostname in _LOOPBACK

    def __call__(self, messages: Messages, most: int) -> Iterator[str]:
        """See `Generator`."""
        import httpx  # noqa: PLC0415 - loaded where something is asked

        key = os.environ.get(API_KEY)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            # A proxy is for what lies beyond this machine.
            with httpx.Client(
                headers=headers, timeout=_SECONDS, trust_env=not self.is_local
            ) as client:
                body = {
                    "model": self._name or self._first(client),
                    "messages": list(messages),
                    "max_tokens": most,
                    "temperature": 0,
                    "stream": True,
                }
                with client.stream("POST", f"{self._url}/chat/completions", json=body) as answer:
                    self._refuse(answer)
                    yield from self._pieces(answer.iter_lines())
        except httpx.HTTPError as error:
            raise ModelError(
                f"{self._url} does not answer ({type(error).__name__})",
                "check the address and that the server runs",
            ) from None

    def _first(self, client: Any) -> str:
        """Return the first model that the server lists."""
        answer = client.get(f"{self._url}/models")
        self._refuse(answer)
        try:
            return str(answer.json()["data"][0]["id"])
        except (ValueError, KeyError, IndexError, TypeError):
            raise ModelError(f"{self._url} lists no model", "name the model with --name") from None

    def _refuse(self, answer: Any) -> None:
        if answer.status_code >= 400:
            hint = (
                f"put its key into the environment variable {API_KEY}"
                if answer.status_code in (401, 403)
                else "check the address, which mostly ends in /v1, and the model's name"
            )
            raise ModelError(f"{self._url} refuses ({answer.status_code})", hint)

    def _pieces(self, lines: Iterator[str]) -> Iterator[str]:
        """Yield what server-sent events say; a server that does not stream says it in one piece."""
        whole: list[str] = []
        for line in lines:
            if line.startswith("data:"):
                said = line.removeprefix("data:").strip()
                if said == "[DONE]":
                    return
                piece = self._read(said, "delta")
                if piece:
                    yield piece
            elif not whole and line.startswith(("event:", ":", "id:", "retry:")):
                continue
            elif line.strip():
                whole.append(line)
        if whole:
            yield self._read("\n".join(whole), "message")

    def _read(self, said: str, field: str) -> str:
        try:
            told = json.loads(said)
            if not told.get("choices") and "error" not in told:
                return ""  # the last event tells of usage alone
            return str(told["choices"][0][field].get("content") or "")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise ModelError(
                f"{self._url} says what is no answer", "check that it speaks the OpenAI protocol"
            ) from None
