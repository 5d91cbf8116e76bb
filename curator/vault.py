"""The vault: what each surrogate stands for, sealed with the project's key.

A SQLite file of its owner alone (0600). Nothing in it can be read without the key:
values are sealed with AES-256-GCM (NIST SP 800-38D), bound to the record that they
come from. The key is a file of 32 random bytes, or follows from a passphrase by
scrypt (RFC 7914); the keys for hashing and for sealing are derived from it apart.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from curator.errors import VaultError
from curator.originals import Hidden, Mention

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from types import TracebackType

PASSPHRASE = "CURATOR_PASSPHRASE"  # noqa: S105 - the name of the variable that holds it
_PATIENCE = 3600.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    id TEXT, route TEXT, sealed BLOB NOT NULL, PRIMARY KEY (id, route)
);
CREATE TABLE IF NOT EXISTS details (
    surrogate TEXT, value_id TEXT, sealed BLOB NOT NULL, PRIMARY KEY (surrogate, value_id)
);
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """What follows from a project's key. Never printed.

    id: tells keys apart without telling them. hashing: for surrogates. sealing: for the vault.
    """

    id: str
    hashing: bytes
    sealing: bytes

    def __repr__(self) -> str:
        """Show the id alone."""
        return f"Keys({self.id})"


def create_key(path: Path) -> None:
    """Write a new random key, readable by its owner alone.

    Raises:
        VaultError: there is a file already, or the place cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise VaultError(
            f"{path}: there is a key already", "keep it: without it nothing can be revealed"
        ) from None
    except OSError as error:
        raise VaultError(
            f"{path}: cannot be written ({error.strerror})", "choose another place"
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")


def load_keys(key_file: Path | None, vault: Path) -> Keys:
    """Return the keys that a key file, or the passphrase in the environment, gives.

    Raises:
        VaultError: there is neither, or the file holds no key.
    """
    if key_file is not None:
        try:
            master = base64.b64decode(key_file.read_bytes(), validate=False)
        except OSError:
            raise VaultError(
                f"{key_file}: no key there", "make one with: curator vault create"
            ) from None
        except ValueError:
            master = b""
        if len(master) != 32:
            raise VaultError(f"{key_file}: not a key", "make one with: curator vault create")
    elif PASSPHRASE in os.environ:
        salt = base64.b64decode(
            _about(vault, "salt", base64.b64encode(secrets.token_bytes(16)).decode())
        )
        master = hashlib.scrypt(
            os.environ[PASSPHRASE].encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26, dklen=32
        )
    else:
        raise VaultError(
            "pseudonyms need a key, and there is none",
            f"make one with: curator vault create, or set {PASSPHRASE}",
        )

    def derived(use: str) -> bytes:
        return hmac.digest(master, use.encode(), hashlib.sha256)

    return Keys(derived("id").hex()[:16], derived("hashing"), derived("sealing"))


class Vault:
    """The sealed table from surrogates to what they stand for."""

    def __init__(self, path: Path, keys: Keys) -> None:
        """Open or make the vault.

        Raises:
            VaultError: it was made with another key, or is no vault.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - only here

        known = _about(path, "key", keys.id)
        if known != keys.id:
            raise VaultError(f"{path}: made with another key", "use the key that it was made with")
        self._box = AESGCM(keys.sealing)
        self._hashing = keys.hashing
        self._db = _opened(path)

    def __enter__(self) -> Self:
        """Write in a `with` block: all of it is kept, or nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """Keep what was written, unless the block failed."""
        if kind is None:
            self._db.commit()
        self._db.close()

    def add(self, record_id: str, route: str, hidden: Hidden) -> None:
        """Seal what a record hides on a route, in place of what was known of it there."""
        said = [[m.part, m.start, m.surrogate, m.original] for m in hidden.mentions]
        sealed = self._seal(json.dumps([said, hidden.shown]), f"{route} {record_id}")
        self._db.execute(
            "INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (record_id, route, sealed)
        )
        for mention in hidden.mentions:
            value_id = self._value_id(mention.original)
            self._db.execute(
                "INSERT OR IGNORE INTO details VALUES (?, ?, ?)",
                (mention.surrogate, value_id, self._seal(mention.original, mention.surrogate)),
            )

    def hidden(self, record_id: str, route: str) -> Hidden:
        """Return what a record hides on a route."""
        row = self._db.execute(
            "SELECT sealed FROM records WHERE id = ? AND route = ?", (record_id, route)
        ).fetchone()
        if row is None:
            return Hidden()
        said, shown = json.loads(self._unseal(row[0], f"{route} {record_id}"))
        return Hidden(tuple(Mention(*one) for one in said), tuple(shown))

    def surrogates(self) -> Iterator[str]:
        """Yield every surrogate that was given out."""
        for (surrogate,) in self._db.execute("SELECT DISTINCT surrogate FROM details"):
            yield surrogate

    def originals(self, surrogate: str) -> list[str]:
        """Return the spellings that a surrogate stands for, the longest first."""
        rows = self._db.execute("SELECT sealed FROM details WHERE surrogate = ?", (surrogate,))
        found = [self._unseal(sealed, surrogate) for (sealed,) in rows]
        return sorted(found, key=lambda text: (-len(text), text))

    def forget(self, record_ids: Collection[str]) -> None:
        """Take out what is known of these records, and details that no other record mentions."""
        for record_id in record_ids:
            self._db.execute("DELETE FROM records WHERE id = ?", (record_id,))
        left = {
            (mention.surrogate, self._value_id(mention.original))
            for known in self._db.execute("SELECT id, route FROM records").fetchall()
            for mention in self.hidden(*known).mentions
        }
        for row in self._db.execute("SELECT surrogate, value_id FROM details").fetchall():
            if tuple(row) not in left:
                self._db.execute(
                    "DELETE FROM details WHERE surrogate = ? AND value_id = ?", tuple(row)
                )

    def _value_id(self, original: str) -> str:
        text = original.encode("utf-8", "surrogatepass")
        return hmac.digest(self._hashing, text, hashlib.sha256).hex()[:16]

    def _seal(self, text: str, bound_to: str) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._box.encrypt(
            nonce, text.encode("utf-8", "surrogatepass"), bound_to.encode()
        )

    def _unseal(self, sealed: bytes, bound_to: str) -> str:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only here

        try:
            text = self._box.decrypt(sealed[:12], sealed[12:], bound_to.encode())
        except InvalidTag:
            raise VaultError(
                "the vault was changed: a sealed value does not open", "restore it from a copy"
            ) from None
        return text.decode("utf-8", "surrogatepass")


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        # One export waits here for another that writes at the same time.
        db = sqlite3.connect(path, timeout=_PATIENCE)
        # Deleted rows are overwritten: what was erased shall not be found in the file.
        db.execute("PRAGMA secure_delete = ON")
        db.executescript(_SCHEMA)
    except (OSError, sqlite3.Error) as error:
        raise VaultError(
            f"{path}: not a vault that can be opened ({type(error).__name__})",
            "restore it from a copy, or move it away to begin anew",
        ) from None
    return db


def _about(path: Path, name: str, otherwise: str) -> str:
    """Return what the vault says of itself; `otherwise` is what it says from now on, if nothing."""
    with contextlib.closing(_opened(path)) as db, db:
        db.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (name, otherwise))
        return str(db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()[0])
