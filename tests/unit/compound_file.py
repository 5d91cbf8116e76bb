"""Writes compound files (MS-CFB), as far as a test needs an Outlook mail: small streams only."""

from __future__ import annotations

import struct
from itertools import pairwise

_END, _FREE, _NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF
_SECTOR, _MINI = 512, 64
_STRING, _TIME, _BINARY = 0x001F, 0x0040, 0x0102


def compound(tree: dict[str, bytes | dict[str, bytes]]) -> bytes:
    """Return a compound file of streams, and of storages that hold streams."""
    entries: list[dict[str, int | str]] = [{"name": "Root Entry", "type": 5}]
    mini = bytearray()
    chains: list[int] = []

    def add(name: str, content: bytes | dict[str, bytes]) -> int:
        at = len(entries)
        if isinstance(content, dict):
            entries.append({"name": name, "type": 1})
            entries[at]["child"] = siblings(content)
            return at
        start = len(chains)
        count = -(-len(content) // _MINI)
        chains.extend([*range(start + 1, start + count), _END] if count else [])
        mini.extend(content.ljust(count * _MINI, b"\0"))
        first = start if count else _END
        entries.append({"name": name, "type": 2, "start": first, "size": len(content)})
        return at

    def siblings(folder: dict[str, bytes] | dict[str, bytes | dict[str, bytes]]) -> int:
        places = [add(name, folder[name]) for name in sorted(folder, key=lambda n: (len(n), n))]
        for here, after in pairwise(places):
            entries[here]["right"] = after
        return places[0] if places else _NONE

    entries[0]["child"] = siblings(tree)
    while len(entries) % 4:
        entries.append({"name": "", "type": 0})
    directory = len(entries) * 128 // _SECTOR
    minis = -(-len(mini) // _SECTOR)
    mini_fat = -(-len(chains) * 4 // _SECTOR)
    # The FAT is sector 0; then the directory, the small streams, and their own FAT.
    starts = (1, 1 + directory, 1 + directory + minis)
    fat = [0xFFFFFFFD]
    for first, count in zip(starts, (directory, minis, mini_fat), strict=True):
        fat += [*range(first + 1, first + count), _END] if count else []
    assert len(fat) <= 128
    entries[0].update(start=starts[1], size=len(mini))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, 4096, starts[2], mini_fat, _END, 0, 0,
    )  # fmt: skip
    header += struct.pack("<108I", *[_FREE] * 108)
    body = struct.pack("<128I", *(fat + [_FREE] * (128 - len(fat))))
    body += b"".join(map(_entry, entries))
    body += bytes(mini).ljust(minis * _SECTOR, b"\0")
    body += struct.pack(f"<{len(chains)}I", *chains).ljust(mini_fat * _SECTOR, b"\xff")
    return header + body


def _entry(entry: dict[str, int | str]) -> bytes:
    name = str(entry["name"]).encode("utf-16-le")
    links = (_NONE, entry.get("right", _NONE), entry.get("child", _NONE))
    tail = struct.pack("<36xIQ", entry.get("start", 0), entry.get("size", 0))
    size = len(name) + 2 if name else 0
    return name.ljust(64, b"\0") + struct.pack("<HBB3I", size, entry["type"], 1, *links) + tail


def outlook_mail(
    texts: dict[int, str],
    sent: int | None = None,
    attached: tuple[str, ...] = (),
    page: bytes = b"",
) -> bytes:
    """Return a mail with properties by their numbers, a time in 100 ns since 1601, and files."""
    streams: dict[str, bytes | dict[str, bytes]] = {}
    properties = b"" if sent is None else struct.pack("<HHIQ", _TIME, 0x0039, 6, sent)
    properties += _strings(texts, streams)
    if page:
        streams["__substg1.0_10130102"] = page
        properties += struct.pack("<HHIII", _BINARY, 0x1013, 6, len(page), 0)
        properties += struct.pack("<HHIII", 0x0003, 0x3FDE, 6, 65001, 0)
    header = struct.pack("<8xIIII8x", 0, len(attached), 0, len(attached))
    streams["__properties_version1.0"] = header + properties
    for i, name in enumerate(attached):
        inner: dict[str, bytes | dict[str, bytes]] = {}
        said = _strings({0x3707: name}, inner)
        inner["__properties_version1.0"] = bytes(8) + said
        streams[f"__attach_version1.0_#{i:08X}"] = inner  # type: ignore[assignment]
    return compound(streams)


def _strings(texts: dict[int, str], streams: dict[str, bytes | dict[str, bytes]]) -> bytes:
    said = b""
    for number, text in texts.items():
        raw = text.encode("utf-16-le")
        streams[f"__substg1.0_{number:04X}{_STRING:04X}"] = raw
        said += struct.pack("<HHIII", _STRING, number, 6, len(raw) + 2, 0)
    return said
