"""datatrove's MinHash pipeline on the planted rows: its defaults (runs of five words, 14 buckets of 8)."""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LANGUAGES = {"en": "eng", "zh": "cmn"}


def removed(paths: Sequence[Path], lang: str) -> set[int]:
    """Return the rows that datatrove takes out: signatures, buckets, clusters, filter."""
    from datatrove.executor.local import LocalPipelineExecutor
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.utils.hashes import xxhash
    from loguru import logger
    from xxhash import xxh64_intdigest

    # Its own hash, which takes text of xxhash up to 3 and bytes alone of xxhash 4.
    xxhash.xxhash64 = lambda text: xxh64_intdigest(text.encode())
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    config = MinhashConfig()
    language = LANGUAGES[lang]
    kept: set[int] = set()
    with tempfile.TemporaryDirectory() as folder:
        signatures, buckets, excluded = (f"{folder}/{name}" for name in ("s", "b", "r"))

        def read(_: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
            assert (rank, world_size) == (0, 1)
            return _documents(paths)

        def keep(documents: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
            assert (rank, world_size) == (0, 1)
            for document in documents:
                kept.add(int(document.id))
                yield document

        for number, pipeline in enumerate(
            (
                [read, MinhashDedupSignature(signatures, config=config, language=language)],
                [MinhashDedupBuckets(signatures, buckets, config=config)],
                [MinhashDedupCluster(buckets, excluded, config=config)],
                [read, MinhashDedupFilter(excluded), keep],
            )
        ):
            # The buckets are tasks of their own, done one after the other here.
            tasks = config.num_buckets if number == 1 else 1
            LocalPipelineExecutor(
                pipeline, tasks=tasks, workers=1, logging_dir=f"{folder}/log{number}"
            ).run()
    return {row for row in range(sum(1 for _ in _documents(paths))) if row not in kept}


def _documents(paths: Sequence[Path]) -> Iterator[Any]:
    import pyarrow.parquet as pq
    from datatrove.data import Document

    row = 0
    for path in paths:
        for parts in pq.read_table(path, columns=["parts"])["parts"].to_pylist():
            yield Document("\n".join(part["text"] for part in parts), str(row))
            row += 1
