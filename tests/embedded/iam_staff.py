"""Who operates a topology in an account that enforces IAM, the product they use, and a world that it converged there."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.embedded.command import Meridian, prepared
from tests.embedded.conftest import Aws
from tests.embedded.iam_policies import OBSERVER, attach, orchestrator, policies, resource_actions
from tests.embedded.iam_world import ACCOUNT, Caller, World, allow

QUICKLY = 5000
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deployer"


@dataclass(frozen=True, slots=True)
class Product:
    """The command, who may look and who may deploy, and the account around them."""

    world: World
    meridian: Meridian
    observer: Caller
    deployer: Caller


def staffed(server: Aws, folders: pytest.TempPathFactory) -> tuple[Product, str]:
    """An empty account with the two roles, and a snapshot of it."""
    assert server.control("reset", {})[0] == 200
    server.control("clock", {"speed": QUICKLY})
    world = World(server)
    # CloudFormation acts as its caller as long as the product passes no role on.
    passing = allow("iam:PassRole", resource=f"arn:aws:iam::{ACCOUNT}:role/*")
    deployer = world.assume("deployer", *orchestrator(), passing)
    attach(world, DEPLOYER, list(policies(resource_actions())))
    observer = world.assume("observer", *OBSERVER)
    command = prepared(folders.mktemp("work"), server.url)
    return Product(world, command, observer, deployer), server.control("snapshot", {})[1]["id"]


def restore(product: Product, snapshot: str) -> None:
    aws = product.world.aws
    aws.control("clock", {"speed": QUICKLY})
    aws.control("reset", {})
    assert aws.control("restore", {"id": snapshot})[0] == 200


def converged(product: Product, empty: str) -> str:
    """A snapshot of what the deployer converged from nothing."""
    restore(product, empty)
    code, out, err = product.meridian.run("converge", **product.deployer.environment)
    assert code == 0, out + err
    return str(product.world.aws.control("snapshot", {})[1]["id"])
