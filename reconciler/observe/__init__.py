"""Facts into the observed topology: pure, and where AWS's many spellings become one.

A part that could not be read stays `Unknown`; nothing here takes silence for absence.
"""

from reconciler.observe.snapshot import observe

__all__ = ["observe"]
