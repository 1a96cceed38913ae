"""What the migrations' function is asked, and what is made of a secret that is not as RDS writes it."""

import json

import pytest

from reconciler.aws import schema
from reconciler.load.migrations import LARGEST
from reconciler.model.errors import CloudUnavailable
from reconciler.model.requests import Migrate, PrepareDatabase
from reconciler.model.topology import Migration

EVENT = 256 * 1024  # what Lambda takes


class Lambda:
    """Keeps what it is sent."""

    def __init__(self):
        self.payload = b""

    def invoke(self, *, Payload, **_):  # noqa: N803
        self.payload = Payload if isinstance(Payload, bytes) else Payload.encode()


class Secrets:
    def __init__(self, held: str):
        self.held = held

    def get_secret_value(self, **_):
        return {"SecretString": self.held}


class Two:
    """`Clients`, of which one is asked."""

    def __init__(self, client):
        self.client = client

    def reader(self, *_):
        return self.client

    writer = reader


def test_text_in_other_letters_travels_as_long_as_it_is():
    sql = "-- 注文\n" * (LARGEST // len("-- 注文\\n".encode()))
    function = Lambda()
    request = Migrate(
        region="us-east-1",
        function="meridian-orders-migrate",
        attempt="a1",
        migrations=(Migration(name="0001_a.sql", sql=sql),),
    )
    schema.perform(Two(function), request)
    assert len(function.payload) <= EVENT
    assert json.loads(function.payload)["migrations"][0]["sql"] == sql


@pytest.mark.parametrize("held", ["hunter2", '"hunter2"', '{"password": "hunter2"}', "[]"])
def test_a_master_secret_that_is_not_as_rds_writes_it_is_named_and_not_shown(held):
    request = PrepareDatabase(
        region="us-east-1", function="meridian-orders-migrate", secret="master", secret_region="us-east-1"
    )
    with pytest.raises(CloudUnavailable, match="the secret master is no JSON object") as caught:
        schema.perform(Two(Secrets(held)), request)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
