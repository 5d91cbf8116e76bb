"""What a model knows of held-out rows: its loss, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.train.tokens import IGNORED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from transformers import PreTrainedTokenizerBase

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
    template: str,
    conversations: Sequence[Sequence[Mapping[str, str]]],
    *,
    longest: int = _LONGEST_ANSWER,
    temperature: float = 0.0,
) -> list[str]:
    """Return what the model answers to each conversation, all of them at a time.

    At temperature 0 it is always the same. A prompt that is too long loses its beginning.
    """
    import torch  # noqa: PLC0415 - heavy

    if not conversations:
        return []
    room = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 2**20
    prompts = [
        _prompt(tokenizer, template, said)[-max(1, room - longest) :] for said in conversations
    ]
    # A batch is filled up on the left: what is made comes after the prompt's last token.
    width = max(map(len, prompts))
    gaps = [width - len(prompt) for prompt in prompts]
    filler = tokenizer.pad_token_id or tokenizer.eos_token_id or 0
    ids = [[filler] * gap + prompt for gap, prompt in zip(gaps, prompts, strict=True)]
    seen = [[0] * gap + [1] * (width - gap) for gap in gaps]
    how: dict[str, Any] = (
        {"do_sample": True, "temperature": temperature, "top_p": 0.95}
        if temperature
        else {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    )
    was_training = model.training
    model.eval()
    with torch.no_grad():
        made = model.generate(
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(seen, device=model.device),
            max_new_tokens=longest,
            eos_token_id=ends(tokenizer),
            pad_token_id=filler,
            **how,
        )
    model.train(was_training)
    return [str(tokenizer.decode(row, skip_special_tokens=True)).strip() for row in made[:, width:]]


def _prompt(
    tokenizer: PreTrainedTokenizerBase, template: str, messages: Sequence[Mapping[str, str]]
) -> list[int]:
    """Return a conversation in tokens, up to where the answer begins."""
    text = tokenizer.apply_chat_template(
        [dict(m) for m in messages],
        chat_template=template,
        tokenize=False,
        add_generation_prompt=True,
    )
    encoded: Any = tokenizer(str(text), add_special_tokens=False)
    return list(encoded["input_ids"])


def ends(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens that end an answer: the tokenizer's, and those of chat templates."""
    known: Any = tokenizer.get_vocab()
    words = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>")
    found = {known[word] for word in words if word in known}
    if isinstance(tokenizer.eos_token_id, int):
        found.add(tokenizer.eos_token_id)
    return sorted(found)
