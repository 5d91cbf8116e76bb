"""The shapes of the files that a user writes: the recipe, the policy and the PII rules.

Every model forbids unknown keys, so that a typing error is an error; `load`
tells the file, the line, the path and a hint.
"""

from __future__ import annotations

import difflib
import re
from string import Formatter
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from curator.errors import RecipeError
from curator.partly import How  # noqa: TC001 - pydantic looks it up
from curator.plugins import plugins
from curator.types import ROUTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def _regex(value: str) -> re.Pattern[str]:
    try:
        return re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    except (OverflowError, RecursionError):
        raise ValueError("not a regular expression: too deep, or repeated too often") from None


Score = Annotated[float, Field(ge=0.0, le=1.0)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
EngineName = Annotated[
    str, Field(pattern=r"^(local|ray(://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5})?)$")
]
Regex = Annotated[str, AfterValidator(lambda value: _regex(value).pattern)]


class Strict(BaseModel):
    """A model that takes no key it does not know and is never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- the recipe -------------------------------------------------------------------------


class Columns(Strict):
    """Which columns (or JSON keys) of a row say what.

    Several user columns are joined by a line break. `conversation`, `speaker` and `text`
    together say that each row is one turn of a conversation.
    """

    user: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()
    system: str | None = None
    conversation: str | None = Field(
        default=None, description="with a row a turn: the id that the turns of one talk share"
    )
    speaker: str | None = Field(default=None, description="with a row a turn: who speaks")
    text: str | None = Field(
        default=None,
        description="one column that holds a whole document, or, beside a speaker, what is said",
    )
    messages: str | None = Field(default=None, description="a column that holds a list of messages")
    label: str | None = None
    timestamp: str | None = None

    @field_validator("user", "assistant", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole_turns(self) -> Columns:
        given = (self.conversation, self.speaker)
        if any(given) and not (all(given) and self.text):
            raise ValueError("a row a turn needs all of: conversation, speaker, text")
        return self

    @property
    def is_turns(self) -> bool:
        """Whether each row is one turn of a conversation."""
        return self.conversation is not None


class Chat(Strict):
    """How a chat is read: who answers, what ends a conversation, what is kept.

    A log of no known format needs `line`, a regex with the named groups `speaker`
    and `text`; `time` and `conversation` may be there too.
    """

    line: str | None = Field(
        default=None, description="regex with the named groups speaker and text, for a log"
    )
    assistant: str | None = Field(
        default=None,
        description="regex found in the names of speakers that answer; everybody else asks. "
        "Without it: names tell (客服, 医生, support, bot, customer), else who speaks first asks",
    )
    system: str | None = Field(
        default=None, description="regex found in the names of speakers whose lines are set aside"
    )
    gap_minutes: float | None = Field(
        default=None,
        gt=0,
        description="a longer silence starts a conversation. Without it: 6 hours, and none where "
        "the conversations have names of their own",
    )
    threads: bool | Literal["auto"] = Field(
        default="auto",
        description="whether conversations that run side by side are told apart by who answers "
        "whom. auto: in a room of more than two speakers, two of whom are not known to answer, "
        "unless the conversations have names of their own",
    )
    keep: tuple[Literal["system line", "media", "recalled message"], ...] = Field(
        default=(), description="what is kept though nobody said it, in place of setting it aside"
    )

    @model_validator(mode="after")
    def _groups(self) -> Chat:
        for name in ("line", "assistant", "system"):
            value = getattr(self, name)
            if value is not None:
                compiled = _regex(value)
                if name == "line" and not {"speaker", "text"} <= set(compiled.groupindex):
                    raise ValueError(
                        "the regex needs the named groups (?P<speaker>…) and (?P<text>…)"
                    )
        return self


class Source(Strict):
    """One file or folder to read."""

    path: str
    name: Name | None = None
    format: str = Field(default="auto", description="one that `curator sources` lists")
    encoding: str = "auto"
    header: bool = Field(
        default=True,
        description="whether the first row of a CSV, TSV or sheet names its columns; where it does"
        " not, they are `column 1`, `column 2` …",
    )
    columns: Columns | None = None
    chat: Chat | None = None
    license: str | None = Field(
        default=None, description="its SPDX licence: Apache-2.0, CC-BY-4.0, LicenseRef-ours"
    )
    replay: bool = Field(
        default=False,
        description="general data, for exports.instruction.mix.replay and nothing else",
    )


class Models(Strict):
    """Which model fills which slot: a built-in name or a local path; for the encoder, a hub id."""

    encoder: str = "use-multilingual"
    ner_zh: str = "lac"
    ner_en: str = "en-core-web-sm"
    language_id: str = "lid176"
    language_model: str | None = Field(
        default=None,
        description="who reads answers with and without their questions for label_issues (LBL001):"
        " smollm2 (English; `curator models get smollm2`), or a folder of a transformers model",
    )
    answers: str | None = Field(
        default=None,
        description="who answers `curator ask`: a folder of a transformers model, or the URL of an "
        "OpenAI-compatible server",
    )


class Pseudonyms(Strict):
    """What stands for private details in exports.

    `numbered` placeholders are told apart within a conversation and need no key. The other
    styles need one (`curator vault create`), and what they hide can be revealed with it.
    """

    style: Literal["numbered", "coded", "realistic"] = Field(
        default="numbered",
        description="`[姓名1]`, `[姓名k7f3a9x2]`, or a made-up value of the same form",
    )
    link: Literal["project", "conversation", "none"] = Field(
        default="conversation", description="where the same detail has the same pseudonym"
    )
    key_file: str | None = Field(
        default=None, description="the key's file; without it, the passphrase in CURATOR_PASSPHRASE"
    )

    @model_validator(mode="after")
    def _links(self) -> Pseudonyms:
        if self.style == "numbered" and self.link != "conversation":
            raise ValueError(f"link: {self.link} needs the style coded or realistic")
        return self


Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class Together(Strict):
    """What the splits never part."""

    by: tuple[Literal["duplicates", "conversation", "person", "source"], ...] = Field(
        default=("duplicates", "conversation", "person", "source"),
        description="duplicates (exact, near, semantic, the same question), the parts of one "
        "conversation, what one person asks, what one file of a chat holds",
    )
    columns: tuple[str, ...] = Field(
        default=(), description="columns of the sources whose equal values are kept together too"
    )

    @property
    def duplicates(self) -> bool:
        """Whether duplicates are kept together."""
        return "duplicates" in self.by


class Mix(Strict):
    """Which of the kept conversations are exported, and in what order."""

    max_per_source: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="rows of one source, at most"
    )
    max_per_cluster: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="rows of one group of duplicates and of one question, at most"
    )
    rows: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="the budget in rows, replay included"
    )
    tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="the budget in tokens, replay included"
    )
    balance: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=1.0,
        description="how the budget is divided among topics: by size to this power. 1: as they "
        "are, 0: evenly, 0.5: between",
    )
    weights: dict[str, Annotated[float, Field(ge=0.0)]] = Field(
        default_factory=dict, description="topic (label) and its weight; 1 where none is given"
    )
    select: Literal["diverse", "best"] = Field(
        default="diverse",
        description="what the budget is spent on: rows that stand for many others and are good "
        "(facility location), or the best alone",
    )
    order: Literal["source", "curriculum"] = Field(
        default="source", description="curriculum: short and sure rows of train first"
    )
    replay: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=0.0,
        description="the share of train that comes from the sources with `replay: true`: general "
        "data against forgetting",
    )

    @model_validator(mode="after")
    def _fits(self) -> Mix:
        if self.rows is not None and self.tokens is not None:
            raise ValueError("give the budget in rows or in tokens, not in both")
        if (self.balance < 1 or self.weights) and self.rows is None and self.tokens is None:
            raise ValueError("balance and weights divide a budget: give rows or tokens")
        return self


def _prompt(text: str) -> str:
    try:
        used = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise ValueError(f"braces that do not match ({error}); {{{{ stands for one") from None
    if unknown := sorted(used - {"label", "lang"}):
        raise ValueError(f"{{{unknown[0]}}} stands for nothing; known: {{label}}, {{lang}}")
    return text


SystemPrompt = Annotated[str, Field(min_length=1), AfterValidator(_prompt)]


class InstructionExport(Strict):
    """How the instruction dataset is written."""

    validation: Share = 0.1
    test: Share = 0.0
    seed: int = Field(
        default=0, description="another one draws the splits anew: every record may move"
    )
    together: Together = Together()
    mix: Mix = Mix()
    system_prompt: SystemPrompt | dict[str, SystemPrompt] | None = Field(
        default=None,
        description="for rows without one of their own; {label} and {lang} stand for the row's. "
        "By language: {zh: …, en: …, other: …}",
    )
    turns: Literal["whole", "split", "window"] = Field(
        default="whole",
        description="a row a conversation, or a row an answer with all that was said before it "
        "(split) or the last exchanges (window), which are context and are not learnt again",
    )
    window: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="with turns: window, how many exchanges a row holds at most"
    )
    formats: tuple[Literal["prompt_completion", "sharegpt", "alpaca", "kto"], ...] = Field(
        default=(),
        description="written beside `messages`, for trainers that want them; preference pairs "
        "always are where a reviewer corrected an answer",
    )
    files: tuple[Literal["parquet", "datasets"], ...] = Field(
        default=(),
        description="what formats are written as beside JSONL (`messages` always is as Parquet "
        "too); datasets: folders for load_from_disk",
    )
    tokenizer: str | None = Field(
        default=None,
        description="qwen, or the folder of a transformers model: rows are counted in its tokens, "
        "and what trainers would cut or mask is told",
    )
    max_tokens: Annotated[int, Field(ge=16)] | None = Field(
        default=None,
        description="of a row; longer conversations are cut between exchanges, older context is "
        "left off, and an exchange that is longer by itself is told",
    )
    trainers: tuple[Literal["llamafactory", "axolotl", "trl"], ...] = Field(
        default=("llamafactory", "axolotl", "trl"),
        description="which get a configuration, and are asked whether they would take each row",
    )
    refused: Literal["tell", "leave_out", "stop"] = Field(
        default="tell",
        description="what becomes of rows that a trainer would skip, mask whole or truncate to "
        "nothing: told and kept, left out of every file, or no export",
    )

    @model_validator(mode="after")
    def _turns_fit(self) -> InstructionExport:
        if (self.turns == "window") != (self.window is not None):
            raise ValueError("turns: window and window: N (exchanges) go together")
        if self.max_tokens is not None and self.tokenizer is None:
            raise ValueError("max_tokens needs a tokenizer, for example: tokenizer: qwen")
        return self

    @model_validator(mode="after")
    def _leaves_train(self) -> InstructionExport:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave nothing for train")
        return self


class RagTarget(Strict):
    """A vector table that the RAG corpus goes to; `qdrant` alone is `{kind: qdrant}`."""

    kind: str = Field(
        default="lancedb",
        description="lancedb, qdrant, chroma, faiss, pgvector, or a plug-in's (curator plugins)",
    )
    table: Name | None = Field(
        default=None, description="the table's or collection's name; without it, the project's"
    )
    path: str | None = Field(
        default=None, description="the table's folder; without it, exports/tables/<kind>"
    )
    url: str | None = Field(
        default=None, description="a server's address, in place of a folder: no password in it"
    )
    key_env: str | None = Field(
        default=None, description="the environment variable that holds the server's key"
    )

    @model_validator(mode="before")
    @classmethod
    def _by_kind(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _reachable(self) -> RagTarget:
        if self.kind not in _REACHED and self.kind not in plugins("targets"):
            known = ", ".join([*_REACHED, *plugins("targets")])
            raise ValueError(f"no such target: {self.kind}; known: {known}")
        # A plug-in says itself what it can reach.
        served, local = _REACHED.get(self.kind, (True, True))
        if self.url and not served:
            raise ValueError(f"{self.kind} lies in a folder: give path, and no url")
        if self.path and not local:
            raise ValueError(f"{self.kind} is a server: give url, and no path")
        if self.url and self.path:
            raise ValueError("give path or url, not both")
        if not (self.url or local):
            raise ValueError(f"{self.kind} needs a url")
        if self.key_env and not self.url:
            raise ValueError("key_env needs a url")
        if self.url and _PASSWORD.search(self.url):
            raise ValueError("the url holds a password: name its variable with key_env")
        return self


_REACHED = {
    "lancedb": (False, True),
    "qdrant": (True, True),
    "chroma": (True, True),
    "faiss": (False, True),
    "pgvector": (True, False),
}
"""Which kinds are reached by a server's address, and which by a folder."""
_PASSWORD = re.compile(r"//[^/@]*:[^/@]+@|[?&]password=")


class RecallBar(Strict):
    """What retrieval must reach on the questions that it is evaluated with."""

    at: Literal[1, 3, 5, 10] = 5
    at_least: Score
    questions: str | None = Field(
        default=None,
        description="a JSONL or CSV file of questions, beside the recipe; without it, questions "
        "of the corpus itself are held out",
    )


class RagExport(Strict):
    """How the RAG corpus is cut, and where it goes."""

    chunk_length: Annotated[int, Field(ge=20)] = Field(
        default=300,
        description="the most that a chunk holds: Han characters or words, or the tokenizer's "
        "tokens",
    )
    overlap_sentences: Annotated[int, Field(ge=0)] = Field(
        default=1, description="how many sentences a chunk repeats from the one before it"
    )
    tokenizer: str | None = Field(
        default=None,
        description="lengths are in its tokens: `qwen`, or the folder of a transformers model",
    )
    recall: RecallBar | None = Field(
        default=None, description="what `curator eval rag` must find, or it exits 1"
    )
    targets: tuple[RagTarget, ...] = Field(
        default=(), description="vector tables that follow the corpus, beside JSONL and Parquet"
    )


class Licenses(Strict):
    """Which licences of sources stop an export.

    Those that forbid commercial use or changed versions do (NC, ND), and what is no SPDX
    expression.
    """

    allow: dict[str, Annotated[str, Field(min_length=3)]] = Field(
        default_factory=dict,
        description="licence and the reason why it may be used all the same; the card tells both",
    )
    forbid: tuple[str, ...] = Field(default=(), description="further licences that stop an export")
    unstated: Literal["tell", "stop"] = Field(
        default="tell", description="what follows where a source states no licence"
    )


class Exports(Strict):
    """What is exported."""

    instruction: InstructionExport = InstructionExport()
    rag: RagExport = RagExport()
    licenses: Licenses = Licenses()


class Review(Strict):
    """How people review what `decide` holds back."""

    min_submitted: Annotated[int, Field(ge=1, le=20)] = Field(
        default=1, description="how many people must submit a record before what they say counts"
    )
    conflicts: Literal["majority", "review"] = Field(
        default="majority",
        description="where people differ, more than half of them win, or the record stays in "
        "review; without a majority it always does",
    )
    language: Literal["both", "zh", "en"] = Field(
        default="both", description="the language of questions and guidelines"
    )


class Training(Strict):
    """How a model is fine-tuned on the instruction dataset; what is not given is chosen."""

    base_model: str | None = Field(
        default=None,
        description="a local folder, smollm2 or tiny (`curator models get`), or an allowed hub id",
    )
    method: Literal["auto", "lora", "qlora", "full"] = Field(
        default="auto", description="auto: lora, or qlora where only that fits"
    )
    epochs: Annotated[float, Field(gt=0)] = 3.0
    max_steps: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="ends the run there, whatever the epochs"
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(
        default=16, description="rows a step, over all processes"
    )
    max_length: Annotated[int, Field(ge=16)] = Field(
        default=2048, description="tokens; what is longer is cut, and told"
    )
    packing: bool = Field(
        default=False, description="short rows share a sequence, without seeing each other"
    )
    learning_rate: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="without it: 2e-4, full fine-tuning 2e-5, preferences 5e-6"
    )
    lora_rank: Annotated[int, Field(ge=1)] = 16
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    template: Literal["auto", "chatml"] = Field(
        default="auto", description="auto: the base model's own; chatml: ours, in its place"
    )
    general: str | None = Field(
        default=None,
        description="general conversations (an export's folder, or JSONL of messages): a part is"
        " held out to measure forgetting, the rest is what is replayed",
    )
    replay: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=0.0, description="share of general rows among those that are trained on"
    )
    early_stopping: Annotated[int, Field(ge=0)] = Field(
        default=3,
        description="stops after so many evaluations without a lower loss, and takes the best"
        " checkpoint; 0: never stops, and takes the last",
    )
    save_every: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="steps between checkpoints; without it, a tenth of the run"
    )
    keep_checkpoints: Annotated[int, Field(ge=1)] = Field(
        default=2, description="how many of the latest are kept, beside the best"
    )
    forgetting: Annotated[float, Field(gt=0)] = Field(
        default=0.1, description="a rise of the general loss, in nats a token, that is warned of"
    )
    seed: Annotated[int, Field(ge=0)] = 0


class Recipe(Strict):
    """`curator.yaml`."""

    version: Literal[1] = 1
    name: Name = "project"
    languages: tuple[str, ...] = ("zh", "en")
    sources: tuple[Source, ...] = ()
    checks: dict[str, dict[str, Any] | bool] = Field(
        default_factory=dict,
        description="a check's parameters, or false to leave it out; the others run with defaults",
    )
    models: Models = Models()
    pseudonyms: Pseudonyms = Pseudonyms()
    review: Review = Review()
    exports: Exports = Exports()
    training: Training = Training()
    workers: int | Literal["auto"] = "auto"
    engine: EngineName = Field(
        default="local",
        description="where the checks run: local, ray (on this machine), ray://HOST:PORT",
    )


# --- the policy -------------------------------------------------------------------------


class Text2(Strict):
    """A sentence in both languages."""

    zh: str
    en: str


class Noted(Strict):
    """What a rule says of itself to people; it decides nothing, so it is no part of any hash."""

    owner: str | None = Field(default=None, exclude=True, description="who answers for the rule")
    source: str | None = Field(
        default=None, exclude=True, description="the statute, standard or page that it follows"
    )


class When(Strict):
    """Which findings a rule speaks of. Every condition that is given must hold."""

    code: str | tuple[str, ...] | None = Field(
        default=None, description="finding codes; PII* stands for all of a family"
    )
    check: str | None = None
    score_at_least: Score = 0.0
    score_below: Score | None = Field(
        default=None, description="the other end of a range of doubtful scores, itself left out"
    )
    lang: str | None = None
    kind: Literal["conversation", "document"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> When:
        if self.code is None and self.check is None:
            raise ValueError("say which findings: code or check")
        if self.score_below is not None and self.score_below <= self.score_at_least:
            raise ValueError("score_below must lie above score_at_least")
        return self


class PolicyRule(Noted):
    """What follows from a finding.

    `edit` puts the finding's replacement in; `keep_one` drops all of a duplicate
    group but its survivor. `routes` narrows a drop or an edit to some exports.
    """

    id: Name
    when: When
    then: Literal["edit", "review", "drop", "keep_one"]
    routes: tuple[Literal["instruction", "rag"], ...] = ROUTES  # type: ignore[assignment]
    how: How = Field(
        default="replace",
        description="how an edit hides a private detail: by a placeholder (replace), by all but its"
        " last characters (mask), or by what is more general: an age's decade, a birthday's year,"
        " an address's city (generalise). Of several that apply, the one that leaves least holds",
    )
    because: Text2
    reviewer_may_override: bool = True

    @model_validator(mode="after")
    def _fits(self) -> PolicyRule:
        if self.routes != ROUTES and self.then in {"review", "keep_one"}:
            raise ValueError(f"routes narrow a drop or an edit, and no {self.then}")
        codes = (self.when.code,) if isinstance(self.when.code, str) else self.when.code or ()
        private = codes and all(code.startswith("PII") for code in codes)
        if self.how != "replace" and not (self.then == "edit" and private):
            raise ValueError(f"how: {self.how} needs then: edit, and codes that begin with PII")
        return self


class Policy(Strict):
    """`rules/policy.yaml`: the rules that turn findings into decisions."""

    rules: tuple[PolicyRule, ...]

    @model_validator(mode="after")
    def _unique(self) -> Policy:
        _no_twins([rule.id for rule in self.rules])
        return self


# --- PII rules --------------------------------------------------------------------------

Checksum = Literal[
    "luhn", "cn_id_card", "iban", "us_ssn", "ipv4", "birth_date", "cn_mobile", "cn_uscc", "bitcoin"
]
CHECKSUMS = get_args(Checksum)


class Examples(Strict):
    """Sentences that a rule must and must not match; `curator rules check` runs them."""

    match: tuple[str, ...] = Field(min_length=1)
    no_match: tuple[str, ...] = ()


class PiiRule(Noted):
    """One pattern for one kind of private detail; a group `pii`, if any, is what is hidden."""

    id: Name
    code: str = Field(pattern=r"^PII\d{3}$")
    entity: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$")
    regex: Regex
    score: Score
    context: tuple[str, ...] = Field(default=(), description="words nearby that raise the score")
    context_required: bool = Field(default=False, description="no finding without one of them")
    validate_with: Checksum | None = Field(default=None, alias="validate")
    examples: Examples
    because: Text2 | None = Field(default=None, exclude=True)


class PiiRules(Strict):
    """A file under `rules/pii/`."""

    rules: tuple[PiiRule, ...] = ()
    allow: tuple[str, ...] = Field(
        default=(), description="regexes of texts that are never private: hotlines, drug names"
    )

    @model_validator(mode="after")
    def _unique(self) -> PiiRules:
        _no_twins([rule.id for rule in self.rules])
        return self


# --- phrases -----------------------------------------------------------------


class PhraseRule(Noted):
    """A phrase, whatever its case, and the finding that it is a sign of."""

    id: Name
    code: str = Field(pattern=r"^(?:LBL00[4589]|VOL00[1-6])$")
    lang: Literal["zh", "en"] | None = Field(
        default=None, description="only in texts that hold Han characters, or Latin letters"
    )
    regex: Regex
    score: Score
    examples: Examples
    because: Text2 | None = Field(default=None, exclude=True)


class PhraseRules(Strict):
    """`rules/answers.yaml` and `rules/volatility.yaml`."""

    rules: tuple[PhraseRule, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> PhraseRules:
        _no_twins([rule.id for rule in self.rules])
        return self


def _no_twins(ids: list[str]) -> None:
    twins = sorted({i for i in ids if ids.count(i) > 1})
    if twins:
        raise ValueError(f"two rules share the id {twins[0]}")


# --- loading ----------------------------------------------------------------------------

M = TypeVar("M", bound=BaseModel)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path, model: type[M]) -> M:
    """Read a YAML file into a model.

    Raises:
        RecipeError: the file cannot be read, is no YAML, or does not fit the model.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file", "make one with: curator init") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path}: cannot be read ({type(error).__name__})", "save it as UTF-8 text"
        ) from None
    try:
        data = yaml.load(text, Loader=_LOADER)  # noqa: S506 - safe, and in C where it can be
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise RecipeError(
            f"{path}:{line}: not valid YAML: {error.problem}",
            "check the indentation and the colons on that line",
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RecipeError(
            f"{path}:{line}: not valid YAML: {error.reason}", "take that character out"
        ) from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # What YAML's own constructors stumble over: no such date, a number of 5,000 digits.
        raise RecipeError(
            f"{path}: not valid YAML: a date or a number that is none, or far too deep",
            "put such a value into quotes",
        ) from None
    try:
        return model.model_validate({} if data is None else data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        node = yaml.compose(text, Loader=_LOADER)
        raise RecipeError(
            f"{path}:{_line(node, first['loc'])}: {_place(first['loc'])}: {_say(first)}",
            _hint(first, model),
        ) from None


def with_export(recipe: Recipe, name: str, instead: Mapping[str, Any]) -> Recipe:
    """Return the recipe with other values for some keys of `exports.NAME`.

    Raises:
        RecipeError: a key or a value is not one that a recipe could have.

    """
    if not instead:
        return recipe
    exports = recipe.exports.model_dump()
    exports[name] |= instead
    try:
        changed = Exports.model_validate(exports)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RecipeError(
            f"exports.{_place(first['loc'])}: {_say(first)}", "see: curator rules schema"
        ) from None
    return recipe.model_copy(update={"exports": changed})


def with_engine(recipe: Recipe, engine: str) -> Recipe:
    """Return the recipe with another engine.

    Raises:
        RecipeError: there is none of this name.

    """
    try:
        TypeAdapter(EngineName).validate_python(engine)
    except ValidationError:
        raise RecipeError(
            f"{engine}: no engine", "known: local, ray, ray://HOST:PORT of a cluster's head"
        ) from None
    return recipe.model_copy(update={"engine": engine})


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    line = node.start_mark.line + 1 if node else 1
    for step in location:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    node, line = value, key.start_mark.line + 1
                    break
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value)
        ):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _place(location: tuple[int | str, ...]) -> str:
    out = ""
    for step in location:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else str(step)
    return out or "(whole file)"


def _say(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "no such key"
    return str(error["msg"]).removeprefix("Value error, ")


def _hint(error: Any, model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        known = sorted(_fields_at(model, error["loc"][:-1]))
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        return f"{guess}known keys: {', '.join(known)}"
    if error["type"] == "missing":
        return f"add the key {error['loc'][-1]}"
    return "see: curator rules schema"


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> set[str]:
    """Return the keys that are known at a place of a model, by walking its JSON schema."""
    schema = model.model_json_schema()
    here: dict[str, Any] = schema
    for step in location:
        here = _resolve(schema, here)
        if isinstance(step, int):
            here = here.get("items", {})
        else:
            here = here.get("properties", {}).get(step, {})
    return set(_resolve(schema, here).get("properties", {}))


def _resolve(schema: dict[str, Any], here: dict[str, Any]) -> dict[str, Any]:
    for option in [here, *here.get("anyOf", []), *here.get("allOf", [])]:
        if "$ref" in option:
            found: dict[str, Any] = schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
            return found
    return here
