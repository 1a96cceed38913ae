"""Differences between templates, deviations of live values, and what CloudFormation would replace."""

import json

import pytest

from reconciler.diff.compare import deviations, differences, leaf_paths
from reconciler.diff.readable import readable, write_only
from reconciler.diff.replacement import replaces
from reconciler.diff.resolve import UNRESOLVED
from tests.unit.diff import drift_checks
from tests.unit.diff.create_only import TABLE, table

DIFFERENCES = [
    ({}, {}, []),
    ({"a": 1}, {"a": 2}, ["a"]),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, ["a.c"]),
    ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ["a.1.b"]),
    ({"a": [1]}, {"a": [1, 2]}, ["a"]),
    ({"a": {"Ref": "X"}}, {"a": {"Ref": "Y"}}, ["a"]),
    ({"k.l": 1}, {"k.l": 2}, ["k\\.l"]),
]


@pytest.mark.parametrize(("ours", "theirs", "paths"), DIFFERENCES, ids=str)
def test_differences_are_named_as_deep_as_both_sides_go(ours, theirs, paths):
    assert [d.path for d in differences(ours, theirs)] == paths


DEVIATIONS = [
    ({"a": "10"}, {"a": 10}, []),
    ({"a": 8}, {"a": 8.0}, []),
    ({"a": "true"}, {"a": True}, []),
    ({"a": 1}, {"a": 1, "default": 2}, []),
    ({"a": ["x", "y"]}, {"a": ["y", "x"]}, []),
    ({"a": ["x"]}, {"a": ["x", "y"]}, ["a"]),
    ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["a.0.b"]),
    ({"a": {"b": 1}}, {}, ["a.b"]),
    ({"a": False}, {"a": True}, ["a"]),
]


@pytest.mark.parametrize(("declared", "live", "paths"), DEVIATIONS, ids=str)
def test_live_values_are_compared_where_the_template_sets_them(declared, live, paths):
    assert [d.path for d in deviations(declared, live)] == paths


def test_what_cannot_be_resolved_is_told_apart_from_what_deviates():
    found = list(deviations({"a": UNRESOLVED, "b": [UNRESOLVED, 1], "c": 1}, {"a": 1, "b": [1, 1], "c": 2}))
    assert [(d.path, d.left is UNRESOLVED) for d in found] == [("a", True), ("b", True), ("c", False)]


def test_coverage_counts_every_value_that_a_template_sets():
    declared = {"a": 1, "b": {"c": [1, 2], "d": [{"e": 1}, {"f.g": 2}]}}
    assert [path for path, _ in leaf_paths(declared)] == ["a", "b.c", "b.d.0.e", "b.d.1.f\\.g"]


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("AWS::RDS::DBCluster", "GlobalClusterIdentifier", True),
        ("AWS::RDS::DBCluster", "ServerlessV2ScalingConfiguration.MinCapacity", False),
        ("AWS::Route53::HealthCheck", "HealthCheckConfig.RequestInterval", True),
        ("AWS::Route53::HealthCheck", "HealthCheckConfig.FailureThreshold", False),
        ("AWS::Lambda::Function", "MemorySize", False),
        ("AWS::Never::Heard", "Of", True),
    ],
)
def test_replacement_follows_the_registry_schemas(kind, path, expected):
    assert replaces(kind, path) is expected


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("AWS::Lambda::Function", "Code.S3Key", True),
        ("AWS::Lambda::Function", "Code", False),
        ("AWS::RDS::DBCluster", "MasterUserPassword", True),
        ("AWS::CertificateManager::Certificate", "DomainValidationOptions.0.HostedZoneId", True),
        ("AWS::CertificateManager::Certificate", "DomainValidationOptions.0.DomainName", False),
        ("AWS::Never::Heard", "Of", False),
    ],
)
def test_what_aws_never_tells_follows_the_registry_schemas(kind, path, expected):
    assert write_only(kind, path) is expected
    assert readable(kind) is (kind != "AWS::Never::Heard")


def test_the_table_of_drift_checks_is_that_of_the_schemas():
    kept = json.loads(drift_checks.TABLE.read_text())
    assert kept == drift_checks.table(list(kept))
    assert kept.keys() == json.loads(TABLE.read_text()).keys()


def test_the_table_of_create_only_properties_is_that_of_the_schemas():
    kept = json.loads(TABLE.read_text())
    assert kept == table(list(kept))
