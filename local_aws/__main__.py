"""`python -m local_aws`: the embedded AWS without the command line of the product."""

import argparse
import sys

from local_aws.server import main


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} must be above 0, at most 100000")
    return value


parser = argparse.ArgumentParser(prog="python -m local_aws", description="The embedded AWS, on 127.0.0.1.")
parser.add_argument("--port", type=int, default=4566, help="0 picks a free one")
parser.add_argument(
    "--speed", type=_positive, default=1.0, help="how many times faster than the wall clock time passes"
)
parser.add_argument("--iam", action="store_true", help="enforce signatures and policies")
parser.add_argument("-v", "--verbose", action="store_true", help="log to stderr")
options = parser.parse_args()
sys.exit(main(options.port, options.speed, iam=options.iam, verbose=options.verbose))
