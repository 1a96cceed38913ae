"""Whether a Region can hold what the plan makes there: it is enabled, offers the engine, and nobody has our names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.model.observed import Unknown
from reconciler.model.preflight import Check
from reconciler.model.stacks import StackKind
from reconciler.model.survey import Question, Topic
from reconciler.model.topology import EDGE_REGION
from reconciler.preflight.scene import Scene
from reconciler.preflight.verdicts import failed, passed, unread

NOT_ENABLED, NOT_OFFERED, TAKEN = "RegionNotEnabled", "EngineNotOffered", "NameTaken"
_DISABLED = "not-opted-in"
_WHOSE = "allow s3:GetBucketLocation; if it stays denied, the bucket is another account's: open a case with AWS Support"


def _new(scene: Scene) -> tuple[str, ...]:
    wanted = (*scene.foundations, *scene.databases, *scene.apis, *scene.unread)
    return tuple(dict.fromkeys(wanted))


_REGIONS = Question(topic=Topic.REGIONS, region=EDGE_REGION)
"""Asked in us-east-1, which nobody can disable."""


def ask_enabled(scene: Scene) -> Iterator[Question]:
    if _new(scene):
        yield _REGIONS


def judge_enabled(scene: Scene) -> Iterator[Check]:
    new = _new(scene)
    if not new:
        return
    statuses = scene.answer(_REGIONS)
    if isinstance(statuses, Unknown):
        yield unread(NOT_ENABLED, "Regions", None, statuses, "ec2:DescribeRegions")
        return
    for region in new:
        status = statuses.get(region)
        if status is None:
            detail, way_out = "AWS has no Region of this name", "correct spec.regions or spec.homeRegion"
            yield failed(NOT_ENABLED, "Region", region, detail, way_out)
        elif status == _DISABLED:
            way_out = f"enable it, which takes minutes to hours: aws account enable-region --region-name {region}"
            yield failed(NOT_ENABLED, "Region", region, "the account has not enabled it", way_out)
        else:
            yield passed(NOT_ENABLED, "Region", region, status)


def _engine(scene: Scene, region: str) -> Question:
    database = scene.topology.database
    return Question(topic=Topic.ENGINE, region=region, name=f"{database.engine}/{database.version}")


def _upgraded(scene: Scene) -> tuple[str, ...]:
    """Every Region where the version is new."""
    return scene.topology.region_names if scene.changes("database/version") else scene.databases


def ask_engine(scene: Scene) -> Iterator[Question]:
    yield from (_engine(scene, r) for r in _upgraded(scene))


def judge_engine(scene: Scene) -> Iterator[Check]:
    database = scene.topology.database
    subject = f"{database.engine} {database.version}"
    ways = "name a version in spec.database.version that is offered in every Region: "
    for region in _upgraded(scene):
        offered = scene.answer(_engine(scene, region))
        listing = f"aws rds describe-db-engine-versions --engine {database.engine} --region {region}"
        if isinstance(offered, Unknown):
            yield unread(NOT_OFFERED, subject, region, offered, "rds:DescribeDBEngineVersions")
        elif offered is None:
            yield failed(NOT_OFFERED, subject, region, "it is not offered there", ways + listing)
        elif not offered.get("SupportsGlobalDatabases", False):
            yield failed(NOT_OFFERED, subject, region, "it cannot be in a global database there", ways + listing)
        else:
            yield passed(NOT_OFFERED, subject, region, "offered, for global databases too")


# ---- names ---------------------------------------------------------------------------------------------------------------


def _names(scene: Scene) -> Iterator[tuple[str, Question, str]]:
    """What has to be free, the question about it, and the right that it takes."""
    topology = scene.topology
    for region in (r for r in topology.region_names if scene.lacks(StackKind.API, r)):
        for suffix in ("api", "migrate"):
            name = f"meridian-{topology.name}-{suffix}"
            question = Question(topic=Topic.FUNCTION, region=region, name=name)
            yield f"function {name}", question, "lambda:GetFunctionConfiguration"
    if scene.lacks(StackKind.GLOBAL, topology.home_region):
        for suffix in ("edge", "probe"):
            name = f"meridian-{topology.name}-{suffix}"
            yield f"role {name}", Question(topic=Topic.ROLE, region=EDGE_REGION, name=name), "iam:GetRole"


def _buckets(scene: Scene) -> Iterator[tuple[str, Question]]:
    for region in scene.foundations:
        name = f"meridian-assets-{scene.topology.account}-{region}"
        yield name, Question(topic=Topic.BUCKET, region=region, name=name, kind=scene.topology.account)


def _domains(scene: Scene) -> Iterator[tuple[str, Question]]:
    for region in (r for r in scene.topology.region_names if scene.lacks(StackKind.API, r)):
        yield region, Question(topic=Topic.API_NAMES, region=region)


def ask_names(scene: Scene) -> Iterator[Question]:
    yield from (question for _, question, _ in _names(scene))
    yield from (question for _, question in _buckets(scene))
    yield from (question for _, question in _domains(scene))


def judge_names(scene: Scene) -> Iterator[Check]:
    for subject, question, right in _names(scene):
        found, place = scene.answer(question), None if question.topic is Topic.ROLE else question.region
        if isinstance(found, Unknown):
            yield unread(TAKEN, subject, place, found, right)
        elif found:
            detail = "it is there, and no stack of this topology made it"
            yield failed(
                TAKEN, subject, place, detail, "remove it if nobody needs it, or give the topology another name"
            )
        else:
            yield passed(TAKEN, subject, place, "free")
    yield from _judge_domains(scene)
    yield from _judge_buckets(scene)


def _judge_domains(scene: Scene) -> Iterator[Check]:
    for region, question in _domains(scene):
        found = scene.answer(question)
        if isinstance(found, Unknown):
            continue  # said by the quota of these names
        taken = sorted({scene.topology.region_origin(region), scene.topology.origin_name}.intersection(found))
        for name in taken:
            detail = "an API has it as its custom domain, and no stack of this topology made that"
            yield failed(
                TAKEN, name, region, detail, f"aws apigateway delete-domain-name --domain-name {name} --region {region}"
            )
        if not taken:
            yield passed(TAKEN, "custom domains", region, "free")


def _judge_buckets(scene: Scene) -> Iterator[Check]:
    """Bucket names are everybody's: who guessed ours first has it."""
    for name, question in _buckets(scene):
        found = scene.answer(question)
        if isinstance(found, Unknown):
            check = unread(TAKEN, f"bucket {name}", question.region, found)
            yield replace(check, way_out=_WHOSE) if found.denied else check
        else:
            yield passed(TAKEN, f"bucket {name}", question.region, "ours from before, adopted" if found else "free")
