"""The CDK app for the peer: our stacks, one per stack and Region, with exactly the templates that are deployed.

For a stack with a known Region CDK writes the name of the asset bucket out. The deployed template serves every Region and
leaves it to `Fn::Sub`; undone here, or `cdk diff` would compare two spellings of one name.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from cdk_app.app import main

WRITTEN_OUT = re.compile(r'"meridian-assets-\d{12}-[a-z0-9-]+"')
FOR_ANY_REGION = '{"Fn::Sub": "meridian-assets-${AWS::AccountId}-${AWS::Region}"}'


def same_spelling(out: Path) -> None:
    for file in out.glob("*.template.json"):
        file.write_text(WRITTEN_OUT.sub(FOR_ANY_REGION, file.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
    same_spelling(Path(os.environ["CDK_OUTDIR"]))
