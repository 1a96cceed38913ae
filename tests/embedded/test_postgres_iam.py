"""With `--iam`, a function's token opens a database only if its role may `rds-db:connect` as that user of that cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.embedded.database_client import HOME, Databases, refused
from tests.embedded.iam_world import ACCOUNT, World, allow, service
from tests.embedded.test_iam_resources import function

TOKEN = "return boto3.client('rds').generate_db_auth_token(event['host'], 5432, event['user'])"


@pytest.fixture
def databases(world: World) -> Any:
    found = Databases(world.aws)
    found.make(HOME)
    master = found.write()
    for user in ("app", "auditor"):
        master.run(f"create role {user} login")
        master.run(f"grant rds_iam to {user}")
    world.aws.go()
    yield found
    found.close()


def test_a_role_opens_what_it_may_connect_to(world: World, databases: Databases) -> None:
    cluster, name = databases.found(HOME)["DbClusterResourceId"], databases.endpoint(HOME)
    users = f"arn:aws:rds-db:{HOME}:{ACCOUNT}:dbuser"
    role = world.role("api", service("lambda"), allow("rds-db:connect", resource=f"{users}:{cluster}/app"))
    other = world.role("other", service("lambda"), allow("rds-db:connect", resource=f"{users}:cluster-ANOTHER/*"))
    function(world, "api", TOKEN, role)
    function(world, "other", TOKEN, other)

    def token(caller: str, user: str) -> str:
        payload = json.dumps({"host": name, "user": user})
        return str(json.load(world.aws.client("lambda").invoke(FunctionName=caller, Payload=payload)["Payload"]))

    assert databases.connect(name, "app", token("api", "app")).run("select current_user") == [["app"]]
    for caller, user in (("api", "auditor"), ("other", "app")):
        with refused("28000", f'PAM authentication failed for user "{user}"'):
            databases.connect(name, user, token(caller, user))
    with refused("28000"):
        databases.connect(name, "auditor", token("api", "app"))
