"""The settings of a dataset in Argilla: fields, questions, metadata, vectors, guidelines."""

from __future__ import annotations

from typing import Any

from curator.review.questions import (
    ANSWERED,
    ASKED,
    CONVERSATION,
    FIELDS,
    METADATA,
    QUESTIONS,
    SPAN_FIELDS,
    SPAN_LABELS,
    TAG_WORDS,
    VERDICTS,
    guidelines,
    span_question,
    span_words,
)
from curator.verdicts import TAGS, VERDICT


def vector_name(field: str) -> str:
    """Return what a field's vector is called, since a server wants all names to differ."""
    return f"{field}_vector"


def settings(sdk: Any, dimensions: int | None, language: str, min_submitted: int) -> Any:
    """Return the settings as the SDK wants them.

    Args:
        sdk: Argilla's SDK.
        dimensions: how long vectors are; None where there are none.
        language: `zh`, `en` or `both`.
        min_submitted: how many people must submit a record.

    """
    fields = [
        sdk.ChatField(name=n, title=words.said(language), required=False, use_markdown=False)
        if n == CONVERSATION
        else sdk.TextField(name=n, title=words.said(language), required=False, use_markdown=False)
        for n, words in FIELDS.items()
    ]
    questions: list[Any] = []
    for name, words in QUESTIONS.items():
        title = words.said(language)
        if name == VERDICT:
            labels = {n: w.said(language) for n, w in VERDICTS.items()}
            questions.append(sdk.LabelQuestion(name=name, labels=labels, title=title))
        elif name == TAGS:
            labels = {n: w.said(language) for n, w in TAG_WORDS.items()}
            questions.append(
                sdk.MultiLabelQuestion(name=name, labels=labels, title=title, required=False)
            )
        else:
            questions.append(sdk.TextQuestion(name=name, title=title, required=False))
    labels = {n: w.said(language) for n, w in SPAN_LABELS.items()}
    questions += [
        sdk.SpanQuestion(
            name=span_question(n),
            field=n,
            labels=labels,
            title=span_words(n).said(language),
            required=False,
        )
        for n in SPAN_FIELDS
    ]
    kinds = {"queue": sdk.IntegerMetadataProperty, "score": sdk.FloatMetadataProperty}
    metadata = [
        kinds.get(n, sdk.TermsMetadataProperty)(name=n, title=words.said(language))
        for n, words in METADATA.items()
    ]
    vectors = [
        sdk.VectorField(name=vector_name(n), dimensions=dimensions, title=FIELDS[n].said(language))
        for n in (ASKED, ANSWERED)
        if dimensions
    ]
    return sdk.Settings(
        guidelines=guidelines(language),
        fields=fields,
        questions=questions,
        metadata=metadata,
        vectors=vectors,
        allow_extra_metadata=True,
        distribution=sdk.TaskDistribution(min_submitted=min_submitted),
    )
