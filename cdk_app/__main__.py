"""Synthesises in a process of its own, so that a pass never loads aws_cdk: reads one pickled `(Topology, keys, out)`
from standard input, which is a pipe from our own process, and writes the assembly to `out`."""

from __future__ import annotations

import pickle
import sys

from cdk_app.app import build


def main() -> int:
    try:
        topology, keys, out = pickle.load(sys.stdin.buffer)  # noqa: S301  # written by the reconciler itself
        build(topology, out, keys)
    except Exception as error:  # noqa: BLE001  # whatever it is, the caller wants one line and a status
        print(f"synthesis failed: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
