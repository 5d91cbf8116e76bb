"""The head of a card: the metadata that the Hugging Face hub and `datasets` read.

Source: https://huggingface.co/docs/hub/datasets-cards and its specification of the metadata.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from curator.licences import spdx

if TYPE_CHECKING:
    from curator.exports.card.facts import About

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_HUB = frozenset(
    (
        *("apache-2.0", "mit", "openrail", "bigscience-openrail-m", "afl-3.0"),
        *("artistic-2.0", "bsl-1.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0"),
        *("cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0"),
        *("cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0"),
        *(
            "cc-by-nc-nd-3.0",
            "cc-by-nc-nd-4.0",
            "cc-by-nc-sa-2.0",
            "cc-by-nc-sa-3.0",
            "cc-by-nc-sa-4.0",
        ),
        *("cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0"),
        *("epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "eupl-1.2"),
        *("agpl-3.0", "gfdl", "gpl-2.0", "gpl-3.0", "lgpl-2.1"),
        *("lgpl-3.0", "isc", "lppl-1.3c", "ms-pl", "mpl-2.0"),
        *("odc-by", "odbl", "osl-3.0", "postgresql", "ofl-1.1"),
        *("ncsa", "unlicense", "zlib", "pddl"),
    )
)
"""The licences that the hub knows: https://huggingface.co/docs/hub/repositories-licenses."""


def metadata(
    about: About,
    rows: int,
    tasks: list[str],
    files: list[dict[str, str]],
    tags: list[str],
) -> dict[str, Any]:
    """Return the metadata of a dataset of so many rows; `files` say which split each is."""
    return {
        "pretty_name": about.title,
        "language": sorted(lang for lang in about.languages if lang != "und") or ["und"],
        **licence(about),
        "task_categories": tasks,
        "size_categories": [next((name for n, name in _SIZES if rows < n), "n>1M")],
        "tags": ["curator", *tags],
        "configs": [{"config_name": "default", "data_files": files}],
    }


def licences(about: About) -> list[str]:
    """Return the licences of the sources that something of is exported, each once."""
    there = [s for s in about.sources if s.exported or s.merged]
    return sorted({spdx(source.license) for source in there if source.license})


def licence(about: About) -> dict[str, str]:
    """Return the licence in the hub's spelling; what it has no name for is `other`."""
    found = licences(about)
    unstated = any(s.exported and not s.license for s in about.sources)
    if len(found) == 1 and not unstated:
        name = re.sub(r"-(?:only|or-later)$", "", found[0].lower())
        for known in (name, name.removesuffix("-1.0")):
            if known in _HUB:
                return {"license": known}
    if not found:
        return {"license": "unknown" if unstated else "other"}
    return {"license": "other", "license_name": " AND ".join(found) + " AND unknown" * unstated}
