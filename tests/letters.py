"""A tokenizer whose tokens are bytes and Llama 3's control tokens: lengths that a hand can count."""

from __future__ import annotations

from typing import Any

CONTROL = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")


def letters() -> Any:
    """Return the tokenizer: 256 bytes, four control tokens, no merges."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(BPE({letter: n for n, letter in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(CONTROL))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=CONTROL[0], eos_token=CONTROL[3], pad_token=CONTROL[3]
    )
