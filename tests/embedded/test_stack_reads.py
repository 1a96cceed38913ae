"""What the reads of a stack say at rest, while it changes and after it rolled back, page by page."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.embedded.conftest import SPEED, Aws
from tests.embedded.test_changesets import Stack, log_group
from tests.embedded.test_recovery import body, fault

ZONE = "Z0123456789EXAMPLE"


@pytest.fixture
def stack(aws: Any) -> Stack:
    return Stack(aws)


def described(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = stack.client.describe_stacks(StackName=stack.name)["Stacks"][0]
    return found


def resources(stack: Stack) -> dict[str, str]:
    pages = stack.client.get_paginator("list_stack_resources").paginate(StackName=stack.name)
    return {r["LogicalResourceId"]: r["ResourceStatus"] for page in pages for r in page["StackResourceSummaries"]}


def test_what_a_stack_does_not_have_is_left_out(stack: Stack) -> None:
    """AWS has no empty members: code that subscripts them must fail here too."""
    stack.run({"Resources": {"L": log_group("/l")}}, "CREATE")
    assert not {"Outputs", "Parameters", "Description", "StackStatusReason"} & set(described(stack))
    assert described(stack)["Tags"] == []
    newest = stack.client.describe_stack_events(StackName="s")["StackEvents"][0]
    assert "ResourceStatusReason" not in newest


def test_a_stack_names_the_change_set_it_was_made_by(stack: Stack) -> None:
    name = stack.create({"Resources": {"L": log_group("/l")}}, "CREATE")
    identity = stack.describe(name)["ChangeSetId"]
    stack.execute(name)
    assert described(stack)["ChangeSetId"] == identity


def test_during_an_update_template_and_parameters_are_new_and_outputs_old(stack: Stack) -> None:
    def version(days: int) -> dict[str, Any]:
        parameters = {"Days": {"Type": "Number", "Default": days}}
        still = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/still"}}
        made = {"L": log_group("/l", {"Ref": "Days"}), "Still": still}
        return {"Parameters": parameters, "Resources": made, "Outputs": {"Days": {"Value": {"Ref": "Days"}}}}

    def seen() -> tuple[Any, ...]:
        now = described(stack)
        template = stack.client.get_template(StackName="s", TemplateStage="Original")["TemplateBody"]
        given = template["Parameters"]["Days"]["Default"], now["Parameters"][0]["ParameterValue"]
        return (now["StackStatus"], *given, now["Outputs"][0]["OutputValue"])

    stack.run(version(7), "CREATE")
    before = {
        r["LogicalResourceId"]: r for r in stack.client.list_stack_resources(StackName="s")["StackResourceSummaries"]
    }
    fault(stack, "AWS::Logs::LogGroup/rollback", times=0)
    name = stack.create(version(14), name="later")
    stack.describe(name)
    stack.aws.control("clock", {"speed": 0.001})
    stack.client.execute_change_set(StackName="s", ChangeSetName=name)
    assert seen() == ("UPDATE_IN_PROGRESS", 14, "14", "7")
    stack.aws.control("clock", {"speed": SPEED})
    assert stack.aws.settled("s") == "UPDATE_COMPLETE"
    assert seen() == ("UPDATE_COMPLETE", 14, "14", "14")
    after = {
        r["LogicalResourceId"]: r for r in stack.client.list_stack_resources(StackName="s")["StackResourceSummaries"]
    }
    moved = {n for n in after if after[n]["LastUpdatedTimestamp"] != before[n]["LastUpdatedTimestamp"]}
    assert moved == {"L"}


def test_after_a_failed_update_the_template_before_is_told_again(stack: Stack) -> None:
    stack.run(body(7, "a"), "CREATE")
    fault(stack, "AWS::SSM::Parameter")
    assert stack.run(body(14, "b")) == "UPDATE_ROLLBACK_COMPLETE"
    told = stack.client.get_template(StackName="s", TemplateStage="Original")["TemplateBody"]
    assert told["Resources"]["Log"]["Properties"]["RetentionInDays"] == 7
    assert resources(stack) == {"Log": "UPDATE_COMPLETE", "Parameter": "UPDATE_COMPLETE"}


def test_a_rolled_back_creation_lists_what_it_deleted(stack: Stack) -> None:
    fault(stack, "AWS::SSM::Parameter")
    assert stack.run(body(), "CREATE") == "ROLLBACK_COMPLETE"
    assert resources(stack)["Log"] == "DELETE_COMPLETE"


def test_a_deleted_stack_is_known_by_its_id_with_its_resources(stack: Stack) -> None:
    stack.run({"Resources": {"L": log_group("/l")}}, "CREATE")
    stack.name = described(stack)["StackId"]
    stack.client.delete_stack(StackName=stack.name)
    assert stack.aws.settled(stack.name) == "DELETE_COMPLETE"
    assert resources(stack) == {"L": "DELETE_COMPLETE"}


def moments(stack: Stack) -> dict[str, datetime]:
    """When the stack itself took on each status."""
    found = stack.client.describe_stack_events(StackName="s")["StackEvents"]
    return {e["ResourceStatus"]: e["Timestamp"] for e in found if e["LogicalResourceId"] == "s"}


@pytest.mark.parametrize(
    ("fails", "first", "then"),
    [
        (False, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"),
        (True, "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
    ],
)
def test_no_status_of_an_operation_lasts_no_time(stack: Stack, fails: bool, first: str, then: str) -> None:
    stack.run({"Resources": {"Log": log_group("/l")}}, "CREATE")
    if fails:
        fault(stack, "AWS::Logs::LogGroup")
    assert stack.run({"Resources": {"Log": log_group("/l", 14)}}) == then
    assert (moments(stack)[then] - moments(stack)[first]).total_seconds() >= 1


def test_a_roll_back_says_why_and_is_silent_when_it_is_done(stack: Stack) -> None:
    fault(stack, "AWS::SSM::Parameter")
    name = stack.create(body(), "CREATE")
    stack.describe(name)
    stack.aws.control("clock", {"speed": 20})
    stack.client.execute_change_set(StackName="s", ChangeSetName=name)
    rolling = stack.aws.until(lambda: (d := described(stack))["StackStatus"] == "ROLLBACK_IN_PROGRESS" and d)
    assert "The following resource(s) failed to create: [Parameter]" in rolling["StackStatusReason"]
    stack.aws.control("clock", {"speed": SPEED})
    assert stack.aws.settled("s") == "ROLLBACK_COMPLETE"
    assert "StackStatusReason" not in described(stack)


# ---- pages -----------------------------------------------------------------------------------------------------------------


def test_listings_of_stacks_come_in_pages_of_a_hundred(stack: Stack) -> None:
    stack.aws.control("clock", {"speed": 20_000})
    many = {f"L{i}": log_group(f"/many/{i}") for i in range(120)}
    assert stack.run({"Resources": many}, "CREATE") == "CREATE_COMPLETE"
    for i in range(110):
        text = json.dumps({"Resources": {"L": log_group(f"/{i}")}})
        stack.client.create_change_set(StackName=f"s{i}", ChangeSetName="x", ChangeSetType="CREATE", TemplateBody=text)
    for operation, key, total in (
        ("list_stack_resources", "StackResourceSummaries", 120),
        ("describe_stack_events", "StackEvents", 363),
        ("describe_stacks", "Stacks", 111),
    ):
        arguments = {} if operation == "describe_stacks" else {"StackName": "s"}
        pages = [len(page[key]) for page in stack.client.get_paginator(operation).paginate(**arguments)]
        assert (pages[0], sum(pages)) == (100, total)


def test_a_second_page_of_events_does_not_repeat_the_first(stack: Stack) -> None:
    """Events that come in between belong to the front, not to the next page."""
    stack.aws.control("clock", {"speed": 20_000})
    assert (
        stack.run({"Resources": {f"L{i}": log_group(f"/many/{i}") for i in range(60)}}, "CREATE") == "CREATE_COMPLETE"
    )
    first = stack.client.describe_stack_events(StackName="s")
    assert stack.run({"Resources": {"L0": log_group("/many/0", 14)}}) == "UPDATE_COMPLETE"
    second = stack.client.describe_stack_events(StackName="s", NextToken=first["NextToken"])
    ids = [e["EventId"] for page in (first, second) for e in page["StackEvents"]]
    assert len(ids) == len(set(ids)) == 183


def test_zones_and_health_checks_come_in_pages(aws: Aws) -> None:
    route53 = aws.client("route53")
    for i in range(105):
        config = {"Type": "HTTPS", "FullyQualifiedDomainName": "a.example.com"}
        route53.create_health_check(CallerReference=str(i), HealthCheckConfig=config)
    rows = [
        {"Name": f"n{i}.example.com", "Type": "CNAME", "TTL": 5, "ResourceRecords": [{"Value": "y.example.com"}]}
        for i in range(310)
    ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": row} for row in rows]
    route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": changes})
    pages = route53.get_paginator("list_health_checks").paginate()
    assert [len(page["HealthChecks"]) for page in pages] == [100, 5]
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=ZONE)
    assert [len(page["ResourceRecordSets"]) for page in pages] == [300, 12]


def test_a_metric_request_has_at_most_500_queries_and_pages_of_data(aws: Aws) -> None:
    cloudwatch, route53 = aws.client("cloudwatch"), aws.client("route53")
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "a.example.com"}
    check = route53.create_health_check(CallerReference="c", HealthCheckConfig=config)["HealthCheck"]["Id"]
    dimensions = [{"Name": "HealthCheckId", "Value": check}]
    metric = {"Namespace": "AWS/Route53", "MetricName": "HealthCheckStatus", "Dimensions": dimensions}
    queries = [{"Id": f"q{i}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Minimum"}} for i in range(501)]
    now = datetime.fromisoformat(aws.control("clock")[1]["now"]).timestamp()
    asked = {"StartTime": now - 600, "EndTime": now + 600}
    one = lambda: cloudwatch.get_metric_data(MetricDataQueries=queries[:1], **asked)["MetricDataResults"]  # noqa: E731
    aws.until(lambda: len(one()[0]["Values"]) >= 2)
    aws.still()
    with pytest.raises(cloudwatch.exceptions.ClientError, match="size less than or equal to 500"):
        cloudwatch.get_metric_data(MetricDataQueries=queries, **asked)
    paginator = cloudwatch.get_paginator("get_metric_data")
    pages = list(paginator.paginate(MetricDataQueries=queries[:3], MaxDatapoints=2, **asked))
    values = {
        q: sum(len(r["Values"]) for p in pages for r in p["MetricDataResults"] if r["Id"] == q)
        for q in ("q0", "q1", "q2")
    }
    assert len(pages) > 1
    assert len(set(values.values())) == 1
