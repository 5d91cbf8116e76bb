"""The errors that curator raises on purpose.

    CuratorError                what a user can mend: two lines on stderr, exit 2
    ├── RecipeError             curator.yaml or a rule file is wrong
    ├── SourceError             a source file cannot be read at all
    ├── WorkspaceError          the workspace is missing, locked or full
    │   └── DamagedError        one of its files is damaged or gone
    ├── EngineError             what the steps are to run on is not there, too small, or gone
    ├── ModelError              a model is missing or its weights are not the pinned ones
    ├── PluginError             a package's check, source or encoder cannot be loaded or fails
    ├── VaultError              there is no key, the wrong one, or the vault is damaged
    ├── TargetError             a vector table cannot be reached, or is not what it should be
    ├── ReviewError             Argilla, or a filled sheet, cannot be used
    ├── TrainError              a training run cannot start, or ended early
    └── GateError               a promise does not hold, so the step is refused: exit 1
        └── EmptyError          nothing is selected for an export

Anything else that escapes is a bug and shows its traceback.
"""

from pathlib import Path


class CuratorError(Exception):
    """A mistake that the user can mend.

    `message` says what is wrong and where; `hint` says what to do. Neither may
    ever hold text from a record.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["CuratorError"], tuple[object, ...]]:
        """Rebuild from both lines, so that an error crosses a process boundary whole."""
        return type(self), (self.message, self.hint)


class CuratorWarning(UserWarning):
    """What the user should know, while what was asked for goes on; two lines, as of an error."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class UpgradeWarning(CuratorWarning):
    """A workspace was brought to the present format."""


class RecipeError(CuratorError):
    """The recipe or a rule file does not say what it should."""


class SourceError(CuratorError):
    """A source file cannot be read at all (single bad rows go to quarantine instead)."""


class WorkspaceError(CuratorError):
    """The workspace is missing, in use or full."""


class DamagedError(WorkspaceError):
    """A file that curator wrote is damaged or gone; `path` tells which, `reason` how."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path}: damaged ({reason})", "curator run makes it anew; curator verify lists all"
        )
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[CuratorError], tuple[object, ...]]:
        """Rebuild from what it was made of."""
        return type(self), (self.path, self.reason)


class EngineError(CuratorError):
    """A Ray cluster cannot be reached, is too small, does not fit, or went away."""


class ModelError(CuratorError):
    """A model is not installed, or its weights differ from the pinned ones."""


class PluginError(CuratorError):
    """What another package brings cannot be loaded, is not as it must be, or fails."""


class VaultError(CuratorError):
    """There is no key for the pseudonyms, or it is not the vault's, or the vault is damaged."""


class ReviewError(CuratorError):
    """Argilla cannot be made, started or reached, or refuses; or a sheet is not as exported."""


class TrainError(CuratorError):
    """A training run cannot start as asked, or ended before its time; says what to change."""


class TargetError(CuratorError):
    """A vector table that the corpus goes to is down, in use, or was made of something else."""


class GateError(CuratorError):
    """A promise does not hold (conservation, missing checks), so nothing is written."""

    exit_code = 1


class EmptyError(GateError):
    """Nothing is selected for an export."""
