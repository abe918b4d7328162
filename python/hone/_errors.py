"""What Hone raises."""

from __future__ import annotations

from typing import NoReturn


class Error(Exception):
    """Something went wrong; str() has all of it, the attributes its parts.

    code     what kind: "invalid_argument", "model", "unsupported", "plan", "shape", "device",
             "out_of_resources", "io", "cancelled", "internal"
    message  one sentence: what went wrong
    where    file, node or tensor; may be empty
    cause    why, where that is not obvious; may be empty
    fix      what to do about it; may be empty
    """

    def __init__(
        self,
        text: str,
        *,
        code: str = "invalid_argument",
        message: str | None = None,
        where: str = "",
        cause: str = "",
        fix: str = "",
    ) -> None:
        super().__init__(text)
        self.code = code
        self.message = text if message is None else message
        self.where = where
        self.cause = cause
        self.fix = fix

    def __reduce__(self):
        return _restore, (type(self), str(self), dict(self.__dict__))


class ModelError(Error):
    """The model file is damaged, of a wrong format, or inconsistent."""


class UnsupportedError(Error):
    """The model is valid, but Hone cannot do this: an operator, an attribute, a precision."""


class PlanError(Error):
    """A plan is damaged or was made by another version."""


class ShapeError(Error):
    """Names, dtypes or shapes of the arrays given do not fit."""


class DeviceError(Error):
    """A CPU feature, GPU or driver that is needed is missing."""


_CLASSES: dict[str, type[Error]] = {
    "model": ModelError,
    "unsupported": UnsupportedError,
    "plan": PlanError,
    "shape": ShapeError,
    "device": DeviceError,
}


def make_error(code: str, text: str, message: str, where: str, cause: str, fix: str) -> Error:
    """The exception for an error of the C++ core; called from there."""
    kind = _CLASSES.get(code, Error)
    return kind(text, code=code, message=message, where=where, cause=cause, fix=fix)


def raise_error(
    kind: type[Error], code: str, where: str, message: str, *, cause: str = "", fix: str = ""
) -> NoReturn:
    """Raises an error found by the Python side, its text put together as C++ does."""
    text = f"{where}: {message}" if where else message
    if cause:
        text += f" (because {cause})"
    if fix:
        text += f". Fix: {fix}"
    raise kind(text, code=code, message=message, where=where, cause=cause, fix=fix)


def _restore(kind: type[Error], text: str, attributes: dict) -> Error:
    error = kind(text)
    error.__dict__.update(attributes)
    return error
