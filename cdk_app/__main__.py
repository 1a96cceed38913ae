"""Synthesises in a process of its own, so that a pass never loads aws_cdk: reads one pickled `(Topology, keys, out)`
from standard input, which is a pipe from our own process, and writes the assembly to `out`.

Tuned to start and end fast. aws_cdk makes so many objects that collecting garbage while it is imported costs 0.2 s, and
tearing the interpreter down afterwards 0.4 s: neither is done.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import sys


def main() -> int:
    gc.disable()
    try:
        from cdk_app.app import build  # noqa: PLC0415  # after the collector is off

        topology, keys, out = pickle.load(sys.stdin.buffer)  # noqa: S301  # written by the reconciler itself
        build(topology, out, keys)
    except Exception as error:  # noqa: BLE001  # whatever it is, the caller wants one line and a status
        print(f"synthesis failed: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    status = main()
    atexit._run_exitfuncs()  # noqa: SLF001  # stops Node and removes its temporary folders
    sys.stderr.flush()
    os._exit(status)
