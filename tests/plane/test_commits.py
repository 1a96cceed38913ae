"""What a team uploads while the control plane is at work: something newer, something broken."""

from __future__ import annotations

import io
import zipfile

from tests.embedded.conftest import SPEED, STILL
from tests.plane.world import BUCKET, DEAD, MEMORY, REGIONS, TTL, Plane


def test_a_newer_bundle_takes_over_between_two_steps(plane: Plane) -> None:
    since = plane.now()
    plane.commit(*MEMORY)
    older = plane.git("rev-parse", "HEAD")
    plane.speed(SPEED / 10)  # else the roll-out is over before anybody looks
    plane.upload()
    first = plane.until(lambda: next((r for r in REGIONS if plane.in_progress("meridian-orders-api", r)), None))
    plane.speed(STILL)
    generation = plane.commit(MEMORY[1], "memoryMb: 768")
    plane.upload()
    plane.speed(SPEED)
    plane.converged(generation, seconds=90)
    assert plane.memories() == dict.fromkeys(REGIONS, 768)
    plane.trail_is_told()
    rolled = [c.region for c in plane.calls(since) if c.name == "CreateChangeSet" and older in str(c.asked)]
    assert rolled == [first], "the older commit went on to other Regions"


def _tampered(data: bytes) -> bytes:
    """The document of a bundle is another one than its manifest names."""
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(into, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"ttlSeconds: 10\n", b"ttlSeconds: 60\n"))
    return into.getvalue()


def test_a_bundle_that_was_tampered_with_is_refused_and_the_next_good_one_counts(plane: Plane) -> None:
    s3 = plane.aws.client("s3")
    data = s3.get_object(Bucket=BUCKET, Key="revisions/orders.zip")["Body"].read()
    since = plane.now()
    s3.put_object(Bucket=BUCKET, Key="revisions/orders.zip", Body=_tampered(data))
    refused = plane.until(lambda: plane.condition("BundleRefused"))
    assert (refused["status"], refused["reason"]) == ("True", "WrongDigest"), refused
    assert plane.status()["observedGeneration"] == 1
    plane.trail_is_told()
    assert not plane.writes(since), "something was changed for a bundle that was refused"
    assert plane.record_ttl() == 10
    generation = plane.commit(*TTL)
    plane.upload()
    plane.converged(generation)
    assert not plane.condition("BundleRefused")
    assert plane.record_ttl() == 20
    assert plane.waiting(DEAD) == 0
