"""Text to desired topology: YAML, JSON Schema, rules of meaning; errors with file, line and column.

The only place that knows YAML. Reads files and nothing else: no AWS, no clock, no environment.
"""

from reconciler.load.build import digest
from reconciler.load.loader import Loaded, load, load_with_warnings

__all__ = ["Loaded", "digest", "load", "load_with_warnings"]
