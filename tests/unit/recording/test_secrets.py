"""What people put where it does not belong is not in a record, and the record leads to the same plan all the same."""

import json
from dataclasses import replace

import pytest

from reconciler.loop import Run, run_pass
from reconciler.model.facts import Facts
from reconciler.model.redaction import Redacted, digest
from reconciler.model.stacks import Template
from reconciler.recording import Recorder, difference, packed, replayed, unpacked
from reconciler.recording.record import document
from reconciler.recording.secrets import without_secrets
from tests.fakes.aws import cloud as fake
from tests.simulation.run import Simulation

SECRETS = ("sk-live-4242", "hunter2", "shared-with-the-edge", "s3cr3t-of-yesterday")


def poisoned(facts: Facts) -> Facts:
    """Secrets by hand: a variable nobody declares, a token, a header, a parameter, an event's properties."""
    region = next(r for r in facts.regions if facts.regions[r].function)
    there = facts.regions[region]
    name, stack = next((n, s) for n, s in there.stacks.items() if n.endswith("-api"))
    variables = {**there.function["Environment"]["Variables"], "STRIPE": SECRETS[0], "APP_TOKEN": SECRETS[1]}
    function = {**there.function, "Environment": {"Variables": variables}}
    parameters = [*stack.stack["Parameters"], {"ParameterKey": "OldPassword", "ParameterValue": SECRETS[3]}]
    event = {
        "LogicalResourceId": "x",
        "ResourceStatus": "CREATE_COMPLETE",
        "ResourceProperties": json.dumps({"P": SECRETS[1]}),
    }
    turned = replace(stack, stack={**stack.stack, "Parameters": parameters}, events=[event])
    header = {"Quantity": 1, "Items": [{"HeaderName": "X-Origin", "HeaderValue": SECRETS[2]}]}
    distribution = {**facts.distribution, "CustomHeaders": header}
    regions = {**facts.regions, region: replace(there, function=function, stacks={**there.stacks, name: turned})}
    return replace(facts, regions=regions, distribution=distribution)


@pytest.fixture
def passed(monkeypatch):
    """A pass over facts with secrets in them, as it was and as it was recorded."""
    simulation = Simulation(3, chain=0, hands=False)
    honest = fake.read

    def read(account, topology):
        facts = honest(account, topology)
        for region, there in facts.regions.items():
            if there.function:
                environment = {"Environment": {"Variables": {"HEALTH_PATH": "/health"}}}
                regions = {**facts.regions, region: replace(there, function={**there.function, **environment})}
                facts = replace(facts, regions=regions)
        return poisoned(facts)

    monkeypatch.setattr(fake, "read", read)
    recorder = Recorder(simulation.ports)
    outcome = run_pass(recorder.ports, simulation.topology, Run())
    assert recorder.memory.facts
    assert all(secret in repr(recorder.memory.facts) for secret in SECRETS)
    return outcome, recorder.closed(outcome)[1]


def test_no_secret_is_in_a_record_and_the_plan_is_the_same(passed):
    _, record = passed
    assert not [secret for secret in SECRETS if secret in json.dumps(document(record))]
    assert difference(record, replayed(unpacked(packed(record)))) == []


def api(variables):
    return {"Resources": {"Function": {"Properties": {"Environment": {"Variables": variables}}}}}


def test_what_plans_rest_on_stays():
    """Names of secrets, dynamic references, what our own templates say, and what they compose."""
    variables = {
        "DB_SECRET": "arn:aws:secretsmanager:x",
        "TOKEN_USE": "access",
        "TOKEN_HOST": "db.example",
        "PLAIN": "1",
    }
    declared = {**variables, "TOKEN_HOST": {"Fn::Sub": "${Db}.example"}}
    desired = {"api": Template("api", api(declared))}
    simulation = Simulation(3, chain=0)
    facts = fake.read(simulation.account, simulation.topology)
    region = next(iter(facts.regions))
    there = replace(facts.regions[region], function={"Environment": {"Variables": variables}})
    facts = replace(facts, regions={region: there})
    cleaned = without_secrets(facts, desired).regions[region]
    assert cleaned.function["Environment"]["Variables"] == variables
    undeclared = without_secrets(facts, {}).regions[region].function["Environment"]["Variables"]
    assert all(isinstance(v, Redacted) for v in undeclared.values())


def test_the_facts_of_a_healthy_topology_stay_as_they_are():
    simulation = Simulation(3, chain=0)
    facts = fake.read(simulation.account, simulation.topology)
    assert any("meridian-orders-api" in there.stacks for there in facts.regions.values())
    cleaned = repr(without_secrets(facts, {}))
    assert cleaned.count("redacted:") == repr(facts).count("MasterSecret-")  # an ARN, in truth
    assert len(cleaned) > 10_000


def test_what_is_remembered_of_a_value_is_the_same_without_it():
    value = {"Variables": {"API_TOKEN": "hunter2", "PLAIN": "x"}}
    cleaned = {"Variables": {"API_TOKEN": Redacted.of("hunter2"), "PLAIN": "x"}}
    assert digest("api/Function", value) == digest("api/Function", cleaned)
    assert digest("api/token", "hunter2") == digest("api/token", Redacted.of("hunter2"))
    assert digest("api/token", "hunter2") != digest("api/token", "hunter3")
