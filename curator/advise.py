"""Advise: fine-tuning, retrieval (RAG) or both, topic by topic; a pure function of figures.

What is stable and often asked is worth training: it answers fast, and in the wanted tone. What
changes, lies in documents, has to be cited or holds private details belongs into a corpus that
can be updated, searched and locked. Where answers contradict each other, training would harden
one of them by chance. The thresholds are rules of thumb, and each is told with its figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Verdict = Literal["fine-tune", "rag", "both"]
Side = Literal["fine-tune", "rag", "caution"]

FEWEST = 100
"""Conversations to train on: with fewer, a model hardly learns more than the tone."""
CHANGES, CHANGES_MOSTLY = 0.1, 0.5
"""Share of records that go stale: from the first on a corpus is needed, from the second just it."""
DOCUMENTS = 0.2
"""Share of text that lies in documents, from which on it should be searched and cited."""
CONTRADICTS = 0.05
DOUBTFUL = 0.2
SOME = 3
"""With fewer records than this a share says nothing."""
PRIVATE = 0.3
EPOCHS = 3
FLOPS_FULL, FLOPS_LORA = 6, 4
"""For a token and a parameter: forward 2, backward 4; LoRA leaves out the gradients of the frozen
weights, a third. (Kaplan et al. 2020; Hoffmann et al. 2022.)"""
PEAK, UTILISATION = 312e12, 0.35
"""An A100's peak in bf16, and how much of it training mostly reaches."""
CHUNK = 300
"""Tokens of a passage in the corpus, roughly."""
PASSAGES = 5
"""Passages that come with a question."""
VECTOR_BYTES = 512 * 4


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a topic, of the records that are not dropped.

    `terms` are its telling words. `stale`, `private`: records with a finding that the policy acts
    on; `contradicting`, `doubtful`: conversations with one. `tokens` are those of conversations
    that may be trained on, `corpus_tokens` all of the corpus; `document_share` is of the text.
    """

    topic: str
    terms: tuple[str, ...]
    conversations: int
    documents: int
    trainable: int
    stale: int
    private: int
    contradicting: int
    doubtful: int
    tokens: int
    corpus_tokens: int
    document_share: float

    @property
    def records(self) -> int:
        """How many records the topic has."""
        return self.conversations + self.documents


@dataclass(frozen=True, slots=True)
class Reason:
    """One figure, what it is held against, and what it speaks for."""

    criterion: str
    side: Side
    value: float
    threshold: float
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a topic would cost, roughly.

    Training: floating-point operations of `EPOCHS` passes, and hours of one A100. Retrieval:
    passages, megabytes of their vectors, and tokens that come with each question.
    """

    full_flops: float
    lora_flops: float
    full_hours: float
    lora_hours: float
    passages: int
    index_mb: float
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What suits a topic, why, and what it would cost."""

    figures: Figures
    verdict: Verdict
    reasons: tuple[Reason, ...]
    cost: Cost


def advise(topics: Iterable[Figures], parameters: float) -> list[Advice]:
    """Return the advice for each topic, in their order.

    Args:
        topics: their figures.
        parameters: of the model that would be trained.

    """
    return [_advice(figures, parameters) for figures in topics]


def total(topics: Iterable[Figures]) -> Figures:
    """Return the figures of all topics together; they may be none."""
    some = list(topics)
    summed: dict[str, Any] = {
        name: sum(getattr(f, name) for f in some)
        for name in (
            *("conversations", "documents", "trainable", "stale", "private", "contradicting"),
            *("doubtful", "tokens", "corpus_tokens"),
        )
    }
    text = summed["corpus_tokens"]
    share = sum(f.document_share * f.corpus_tokens for f in some) / text if text else 0.0
    return Figures(topic="", terms=(), document_share=round(share, 4), **summed)


def _advice(f: Figures, parameters: float) -> Advice:
    reasons = tuple(_reasons(f))
    told = {reason.criterion: reason.side for reason in reasons}
    moves = f.stale >= SOME and _share(f.stale, f.records) >= CHANGES_MOSTLY
    against_training = moves or "rag" in (told["size"], told["agreement"])
    for_corpus = "rag" in (told["volatility"], told.get("documents"))
    verdict: Verdict = "rag" if against_training else "both" if for_corpus else "fine-tune"
    return Advice(f, verdict, reasons, cost(f.tokens, f.corpus_tokens, parameters))


def cost(tokens: int, corpus_tokens: int, parameters: float) -> Cost:
    """Return what training on so many tokens, and searching among so many, would cost."""
    seen = tokens * EPOCHS * parameters
    full, lora = FLOPS_FULL * seen, FLOPS_LORA * seen
    hour = PEAK * UTILISATION * 3600
    passages = -(-corpus_tokens // CHUNK)
    return Cost(
        full_flops=full,
        lora_flops=lora,
        full_hours=float(f"{full / hour:.2g}"),
        lora_hours=float(f"{lora / hour:.2g}"),
        passages=passages,
        index_mb=round(passages * VECTOR_BYTES / 1e6, 2),
        prompt_tokens=min(PASSAGES, passages) * CHUNK,
    )


def _reasons(f: Figures) -> Iterable[Reason]:
    """Yield the reasons, one a criterion, whichever side it speaks for."""
    stale = _share(f.stale, f.records)
    changes = f.stale >= SOME and stale >= CHANGES
    shown = f"{f.stale:,}/{f.records:,} ({stale:.0%})"
    yield Reason(
        "volatility",
        "rag" if changes else "fine-tune",
        stale,
        CHANGES,
        f"会过时的记录 {shown}" + ("，要能更新" if changes else "，内容稳定"),
        f"records that go stale: {shown}"
        + (", to be kept up to date" if changes else ", so it is stable"),
    )
    few = f.trainable < FEWEST
    yield Reason(
        "size",
        "rag" if few else "fine-tune",
        f.trainable,
        FEWEST,
        f"可训练的对话 {f.trainable:,} 条" + (f"，不足 {FEWEST} 条" if few else "，数量足够"),
        f"conversations to train on: {f.trainable:,}" + (f", under {FEWEST}" if few else ""),
    )
    yield _agreement(f)
    if f.documents:
        document = f.document_share
        much = document >= DOCUMENTS
        yield Reason(
            "documents",
            "rag" if much else "fine-tune",
            document,
            DOCUMENTS,
            f"文档占正文 {document:.0%}" + ("，宜检索并注明出处" if much else ""),
            f"share of text in documents: {document:.0%}"
            + (", to be searched and cited" if much else ""),
        )
    private = _share(f.private, f.records)
    shown = f"{f.private:,}/{f.records:,} ({private:.0%})"
    if f.private >= SOME and private >= PRIVATE:
        yield Reason(
            "privacy",
            "caution",
            private,
            PRIVATE,
            f"含隐私的记录 {shown}：脱敏后再训练，检索库须有访问控制",
            f"records with private details: {shown}: train on redacted text alone, lock the corpus",
        )
    doubtful = _share(f.doubtful, f.conversations)
    if f.doubtful >= SOME and doubtful >= DOUBTFUL:
        shown = f"{f.doubtful:,}/{f.conversations:,} ({doubtful:.0%})"
        yield Reason(
            "quality",
            "caution",
            doubtful,
            DOUBTFUL,
            f"答案可能与问题不符的对话 {shown}：先审核",
            f"conversations whose answer may not match: {shown}: review them first",
        )


def _agreement(f: Figures) -> Reason:
    share = _share(f.contradicting, f.conversations)
    shown = f"{f.contradicting:,}/{f.conversations:,} ({share:.0%})"
    bad = f.contradicting >= SOME and share >= CONTRADICTS
    return Reason(
        "agreement",
        "rag" if bad else "fine-tune",
        share,
        CONTRADICTS,
        f"答案互相矛盾的对话 {shown}" + ("：训练前先审定" if bad else "，答案一致"),
        f"conversations with contradicting answers: {shown}"
        + (": settle them before any training" if bad else ", so answers agree"),
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
