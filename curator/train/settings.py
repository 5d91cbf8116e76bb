"""A run's settings: the recipe's `training`, changed by what a command line says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from curator.errors import RecipeError
from curator.schema import Training

if TYPE_CHECKING:
    from collections.abc import Iterable


def changed(training: Training, pairs: Iterable[str], base: str | None = None) -> Training:
    """Return the settings with `KEY=VALUE` pairs put in.

    Raises:
        RecipeError: a key is not known, or a value does not fit it.

    """
    values = training.model_dump()
    if base is not None:
        values["base_model"] = base
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or key not in Training.model_fields:
            raise RecipeError(
                f"--set {pair}: no setting of training",
                f"write KEY=VALUE; the keys are: {', '.join(Training.model_fields)}",
            )
        # YAML reads 1e-4 as text: what looks like a number is one.
        values[key] = yaml.safe_load(text) if text else None
    try:
        return Training.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise RecipeError(
            f"training.{key}: {first['msg'][:1].lower()}{first['msg'][1:]}",
            "see the keys and their values: curator rules schema recipe",
        ) from None
