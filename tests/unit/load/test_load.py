"""Whole documents: the worked example, the shortest one, several at once, everything wrong at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.load import digest, load, load_with_warnings
from reconciler.model.errors import InvalidDesiredState
from reconciler.model.topology import Allow, Ignore, Traffic, Window

SHORTEST = """
apiVersion: meridian/v1
kind: MultiRegionApi
metadata: {name: orders}
spec:
  account: "111111111111"
  domain: {name: api.example.com, hostedZoneId: Z0123456789EXAMPLE, hostedZoneName: example.com}
  regions:
    - {name: us-east-1, cidr: 10.10.0.0/16}
    - {name: eu-west-1, cidr: 10.20.0.0/16}
    - {name: ap-northeast-1, cidr: 10.30.0.0/16}
  database: {version: "16.8", name: orders, writer: us-east-1, migrations: handlers/api/migrations}
"""


def test_the_worked_example_of_the_repository_loads(repository):
    (topology,) = load(repository / "desired_state")

    assert topology.name == "orders"
    assert topology.region_names == ("us-east-1", "eu-west-1", "ap-northeast-1")
    assert (repository / topology.api.code / "app.py").is_file()


def test_every_default_is_the_value_of_the_worked_example(project):
    assert project.load(SHORTEST) == project.load(project.example)


def test_values_reach_the_topology(project):
    text = project.edited(
        ("eu-west-1,      cidr: 10.20.0.0/16, traffic: serving", "eu-west-1, cidr: 10.20.0.0/17, traffic: drained"),
        ("min: 8, max: 64", "min: 0.5, max: 12.5"),
        ("migrations: handlers/api/migrations", "migrations: null"),
        ("client: {mode: none}", "client: {mode: jwt, issuer: 'https://id.example.com/', audience: orders}"),
        ("windows: []", "windows: [{cron: '0 9 * * MON-FRI', duration: 90m, timeZone: Europe/Berlin}]"),
        ("allow: []", "allow: [{hazard: x, fingerprint: 'sha256:0123456789ab', expires: 2026-12-31}]"),
        ("ignore: []", "ignore: [{path: edge/*/Comment, reason: y, expires: '2026-12-31T18:00:00+02:00'}]"),
    )

    topology = project.load(text)

    assert topology.region("eu-west-1").traffic is Traffic.DRAINED
    assert (topology.database.min_capacity, topology.database.max_capacity) == (0.5, 12.5)
    assert topology.database.migrations is None
    assert topology.api.client.issuer == "https://id.example.com/"
    window = Window(cron="0 9 * * MON-FRI", duration=timedelta(minutes=90), time_zone="Europe/Berlin")
    assert topology.safety.windows == (window,)
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    assert topology.safety.allow == (
        Allow(hazard="x", region=None, fingerprint="sha256:0123456789ab", expires=new_year),
    )
    until = datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert topology.drift.ignore == (Ignore(path="edge/*/Comment", reason="y", expires=until),)


def test_all_problems_are_told_at_once_in_order_of_place(project):
    project.write("a: [", "broken.yaml")
    project.write(
        project.edited(
            ("ttlSeconds: 10", "ttlSeconds: 3"),
            ("writer: us-east-1", "writer: eu-west-9"),
            ("mode: heal", "mode: fix"),
            ("10.30.0.0/16", "10.20.0.0/16"),
            ("memoryMb: 512", "memory: 512"),
        )
    )

    assert project.problems() == [
        "desired_state/broken.yaml:2:1: not valid YAML: did not find expected node content",
        (
            "desired_state/orders.yaml:16:36: spec.regions[2].cidr: 10.20.0.0/16 overlaps 10.20.0.0/16 of "
            "spec.regions[1]; give every Region a range of its own"
        ),
        (
            'desired_state/orders.yaml:21:13: spec.database.writer: "eu-west-9" is not one of spec.regions '
            "(us-east-1, eu-west-1, ap-northeast-1); name a listed Region"
        ),
        "desired_state/orders.yaml:32:5: spec.api.memory: unknown field; did you mean memoryMb?",
        "desired_state/orders.yaml:41:17: spec.routing.ttlSeconds: 3 is out of range; allowed are 5 to 300",
        'desired_state/orders.yaml:56:11: spec.drift.mode: "fix" is not allowed; use heal or report',
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("just text\n", ['1:1: "just text" is text; a mapping is expected']),
        ("- a\n", ["1:1: is a list; a mapping is expected"]),
        (
            "kind: MultiRegionApi\nmetadata: {name: orders}\n",
            [
                '1:1: apiVersion: required, but missing; for example "meridian/v1"',
                "1:1: spec: required, but missing",
            ],
        ),
        ('{"a\\e[31m": 1, apiVersion: meridian/v1, kind: MultiRegionApi, metadata: {name: orders}, spec: 5}\n',
         ['1:2: "a\\u001b[31m": unknown field; known are apiVersion, kind, metadata, spec',
          "1:95: spec: 5 is a number; a mapping is expected"]),
    ],
)  # fmt: skip
def test_a_document_that_is_something_else(project, text, problems):
    project.write(text)

    assert project.problems() == [f"desired_state/orders.yaml:{problem}" for problem in problems]


def test_two_writers_are_a_key_twice(project):
    project.write(project.edited(("    writer: us-east-1\n", "    writer: us-east-1\n    writer: eu-west-1\n")))

    assert project.problems() == [
        'desired_state/orders.yaml:22:5: the key "writer" stands here twice, first in line 21; keep one'
    ]


def test_several_documents_and_files_make_several_topologies(project):
    other = project.edited(("name: orders   ", "name: carts   "), ("name: api.", "name: carts."))
    third = project.edited(("name: orders   ", "name: users   "), ("name: api.", "name: users."))
    project.write(f"{project.example}---\n{other}", "a.yaml")
    project.write(third, "b.yml")

    topologies = load(project.folder)

    assert [topology.name for topology in topologies] == ["orders", "carts", "users"]
    assert [topology.source for topology in topologies] == ["desired_state/a.yaml"] * 2 + ["desired_state/b.yml"]


def test_names_domains_and_home_are_checked_across_files(project):
    project.write(project.example, "a.yaml")
    project.write(project.edited(("homeRegion: us-east-1", "homeRegion: eu-west-1")), "b.yaml")

    assert project.problems() == [
        'desired_state/b.yaml:5:9: metadata.name: "orders" is taken by desired_state/a.yaml:5:9; one document per name',
        (
            'desired_state/b.yaml:8:15: spec.homeRegion: "eu-west-1" differs from us-east-1 in desired_state/a.yaml:8:15; '
            "an account has one home Region"
        ),
        (
            'desired_state/b.yaml:10:11: spec.domain.name: "api.example.com" is taken by desired_state/a.yaml:10:11; '
            "one topology per domain"
        ),
    ]


def test_expired_entries_are_valid_and_warned_about(project):
    allow = "allow: [{hazard: x, fingerprint: 'sha256:0123456789ab', expires: 2026-01-31}]"
    ignore = "ignore: [{path: edge/A, reason: y, expires: 2026-03-01}, {path: edge/B, reason: y}]"
    path = project.write(project.edited(("allow: []", allow), ("ignore: []", ignore)))

    before = load_with_warnings(path, datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    after = load_with_warnings(path, datetime(2026, 2, 1, tzinfo=UTC))

    assert before.topologies == after.topologies == load(path)
    assert before.warnings == ()
    assert [str(warning) for warning in after.warnings] == [
        (
            'desired_state/orders.yaml:54:70: spec.safety.allow[0].expires: "2026-01-31" is over, the entry allows nothing '
            "any more; remove it or move the date"
        )
    ]


def test_the_digest_is_of_what_is_declared_not_of_its_spelling(project):
    example = project.load(project.example)

    assert digest(project.load(SHORTEST)) == digest(example) == digest(replace(example, source="x"))
    assert digest(project.load(project.edited(("ttlSeconds: 10", "ttlSeconds: 11")))) != digest(example)


def test_the_error_lists_its_problems_and_blames_the_user(project):
    with pytest.raises(InvalidDesiredState) as raised:
        load(project.write(project.edited(("ttlSeconds: 10", "ttlSeconds: 3"))))

    (problem,) = raised.value.problems
    assert (problem.code, problem.path, problem.line) == ("OutOfRange", "spec.routing.ttlSeconds", 41)
    assert (raised.value.code, raised.value.source, raised.value.retry) == ("InvalidDesiredState", "user", "never")
