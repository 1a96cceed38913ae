"""What could not be read: never absent, and never taken for healthy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that AWS did not give us, and why. `code` is the AWS error code or our own (`Unreachable`)."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def denied(self) -> bool:
        """AWS refused to tell us: asking again does not help until somebody changes a permission."""
        return any(word in self.code for word in ("Denied", "Unauthorized", "NotAuthorized", "AuthorizationError"))
