"""Croissant: what a version holds, for machines (JSON-LD), beside the card for people.

Source: the Croissant format 1.0, https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
The date of publication and how to cite are left to who publishes: a version tells no time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curator.exports.card.metadata import licences
from curator.tables import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from curator.exports.card.facts import About

FILE = "croissant.json"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_FORMATS = {".parquet": "application/x-parquet", ".jsonl": "application/jsonlines"}


def write_croissant(
    folder: Path,
    about: About,
    schema: pa.Schema,
    rows: Mapping[str, int | None],
    stems: Sequence[str],
) -> None:
    """Write what the data files of an export are and hold.

    Args:
        folder: the export, complete but for this and its manifest.
        about: what its card tells.
        schema: the columns of its tables.
        rows: how many rows each data file has.
        stems: the names of its tables.

    """
    manifest = about.manifest
    files = [path for path in sorted(folder.iterdir()) if rows.get(path.name) is not None]
    tables = [folder / f"{stem}.parquet" for stem in stems if rows[f"{stem}.parquet"]]
    said = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"{manifest['project']}-{manifest['name']}",
        "description": f"{about.title}. Version {manifest['version']}; README.md tells how it was"
        " made, manifest.json what it rests on.",
        "version": f"1.0.0+{manifest['version']}",
        "license": [_url(name) for name in licences(about)] or ["unknown"],
        "inLanguage": sorted(about.languages),
        "isLiveDataset": False,
        "distribution": [_file(path) for path in files],
        "recordSet": [_records(path, schema) for path in tables],
    }
    text = json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def _url(licence: str) -> str:
    plain = licence.replace(".", "").replace("-", "").isalnum()
    own = "LicenseRef" in licence
    return f"https://spdx.org/licenses/{licence}" if plain and not own else licence


def _file(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": _FORMATS[path.suffix],
        "sha256": file_sha256(path),
    }


def _records(path: Path, schema: pa.Schema) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": path.stem,
        "name": path.stem,
        "field": [found for column in schema for found in _fields(path, column)],
    }


def _fields(path: Path, column: pa.Field) -> Iterator[dict[str, Any]]:
    """Yield a column's field; of structs, which Croissant reads by a path, one for each member."""
    kind, repeated = column.type, False
    if pa.types.is_list(kind):
        kind, repeated = kind.value_type, True
    if not pa.types.is_struct(kind):
        yield _field(path, column.name, kind, repeated=repeated)
        return
    for member in kind:
        step = "$[*]." if repeated else "$."
        found = _field(path, f"{column.name}/{member.name}", member.type, repeated=repeated)
        found["source"]["extract"] = {"column": column.name}
        found["source"]["transform"] = {"jsonPath": f"{step}{member.name}"}
        yield found


def _field(path: Path, name: str, kind: pa.DataType, *, repeated: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{path.stem}/{name}",
        "name": name,
        "dataType": _type(kind),
        "source": {"fileObject": {"@id": path.name}, "extract": {"column": name}},
    }
    return made | ({"repeated": True} if repeated else {})


def _type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    return "sc:Boolean" if pa.types.is_boolean(kind) else "sc:Text"
