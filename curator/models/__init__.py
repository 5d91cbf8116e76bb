"""The models: which weights are pinned, and where each kind is loaded.

`encoders` embed sentences, `ner` finds names, `language_id` tells languages.
`tokenizers` and `chat_templates` turn conversations into tokens. Only this package imports them.
"""

from __future__ import annotations

from curator.models.pins import model_sha, verified

__all__ = ["model_sha", "verified"]
