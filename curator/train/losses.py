"""What a model knows of held-out rows: its loss, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.train.tokens import IGNORED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from transformers import PreTrainedTokenizerBase

    from curator.train.templates import Template

_ROWS = 8
_LONGEST_ANSWER = 64
_SLICE = 256
_SCALED = ("final_logit_softcapping", "logit_scale", "logits_scaling")
"""Settings of models whose logits are more than the head's output."""


def loss(model: Any, rows: pa.Table, *, rank: int = 0, world: int = 1) -> float:
    """Return the mean negative log-likelihood of a learnt token, in nats.

    Args:
        model: a causal language model.
        rows: as `tokens.SCHEMA`, at least one.
        rank: which of the processes this is; each takes its share, and all get the mean.
        world: how many there are.

    """
    import torch  # noqa: PLC0415 - heavy

    device = next(model.parameters()).device
    made = sorted(
        zip(rows["input_ids"].to_pylist(), rows["labels"].to_pylist(), strict=True),
        key=lambda pair: len(pair[0]),
    )[rank::world]
    was_training = model.training
    model.eval()
    total = torch.zeros(2, dtype=torch.float64)
    with torch.no_grad():
        for start in range(0, len(made), _ROWS):
            batch = made[start : start + _ROWS]
            width = max(len(ids) for ids, _ in batch)
            ids = torch.tensor([i + [0] * (width - len(i)) for i, _ in batch], device=device)
            said = torch.tensor([t + [IGNORED] * (width - len(t)) for _, t in batch], device=device)
            seen = torch.tensor(
                [[1] * len(i) + [0] * (width - len(i)) for i, _ in batch], device=device
            )
            wanted = said[:, 1:] != IGNORED
            total[0] += _surprise(model, ids, seen, wanted, said[:, 1:][wanted])
            total[1] += int(wanted.sum())
    if world > 1:
        total = total.to(device) if device.type == "cuda" else total
        torch.distributed.all_reduce(total)
    model.train(was_training)
    return float(total[0] / total[1])


def _surprise(model: Any, ids: Any, seen: Any, wanted: Any, said: Any) -> float:
    """Return the negative log-likelihood of the wanted tokens together.

    The head works on slices of them: all logits at once would need more memory than training.
    """
    import torch  # noqa: PLC0415 - heavy

    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    config = whole.config.get_text_config()
    inputs = {"input_ids": ids, "attention_mask": seen, "use_cache": False}
    if any(getattr(config, name, None) for name in _SCALED):
        slices = whole(**inputs).logits[:, :-1][wanted].split(_SLICE)
    else:
        hidden = whole.get_decoder()(**inputs).last_hidden_state[:, :-1][wanted]
        head = whole.get_output_embeddings()
        slices = (head(part) for part in hidden.split(_SLICE))
    return sum(
        torch.nn.functional.cross_entropy(logits.float(), part, reduction="sum").item()
        for logits, part in zip(slices, said.split(_SLICE), strict=True)
    )


def answers(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    template: Template,
    prompts: Sequence[Sequence[dict[str, str]]],
) -> list[str]:
    """Return what the model answers to each prompt, without chance, at most 64 tokens."""
    return [
        answer(model, tokenizer, template.text, prompt, longest=_LONGEST_ANSWER)
        for prompt in prompts
    ]


def answer(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    template: str,
    messages: Sequence[Mapping[str, str]],
    *,
    longest: int,
    temperature: float = 0.0,
) -> str:
    """Return what the model answers to a conversation; at temperature 0 always the same."""
    import torch  # noqa: PLC0415 - heavy

    text = tokenizer.apply_chat_template(
        [dict(m) for m in messages],
        chat_template=template,
        tokenize=False,
        add_generation_prompt=True,
    )
    encoded: Any = tokenizer(str(text), add_special_tokens=False, return_tensors="pt")
    room = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 2**20
    ids = encoded["input_ids"][:, -max(1, room - longest) :].to(model.device)
    how: dict[str, Any] = (
        {"do_sample": True, "temperature": temperature, "top_p": 0.95}
        if temperature
        else {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    )
    was_training = model.training
    model.eval()
    with torch.no_grad():
        made = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=longest,
            eos_token_id=ends(tokenizer),
            pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
            **how,
        )
    model.train(was_training)
    return str(tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)).strip()


def ends(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens that end an answer: the tokenizer's, and those of chat templates."""
    known: Any = tokenizer.get_vocab()
    words = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>")
    found = {known[word] for word in words if word in known}
    if isinstance(tokenizer.eos_token_id, int):
        found.add(tokenizer.eos_token_id)
    return sorted(found)
