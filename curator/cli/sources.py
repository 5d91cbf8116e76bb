"""`curator sources`: the kinds of files that can be read."""

from __future__ import annotations

from curator.cli.output import Json, data, say, table


def sources(*, json: Json = False) -> None:
    """List the formats that files are read as: what `format:` and `ingest --as` may name."""
    from curator.sources import formats

    rows = [(kind.name, kind.family, kind.en, kind.zh) for kind in formats().values()]
    if json:
        data([dict(zip(("name", "family", "en", "zh"), row, strict=True)) for row in rows])
        return
    table(("format", "family", "English", "中文"), rows)
    say(
        "each is recognised by its content, packed (gzip, zstd, bzip2, xz) or not;"
        " folders, zip and tar archives are read file by file",
        "按内容识别，压缩与否均可；文件夹与 zip、tar 压缩包逐个文件读取",
    )
