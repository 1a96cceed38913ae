"""Templates in S3: made by the function synth where one is missing, fetched by whoever needs it, and what is said if neither works.

The function's image cannot run here: the same handler runs in the embedded AWS's own Python, on a bundle that is this checkout.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdk_app.projection import fingerprint
from reconciler.aws.clients import Clients
from reconciler.aws.synthesis import CachedSynthesizer, SynthesisFailed
from reconciler.aws.template_store import TemplateStore, publish, publish_templates
from reconciler.aws.templates import StoredSynthesizer, TemplateBroken, TemplateMissing, VersionsDiffer
from reconciler.model.archive import packed
from reconciler.model.errors import CloudUnavailable
from tests.embedded.conftest import ROOT, Aws
from tests.embedded.converged import credentials
from tests.fakes.topologies import orders

TOPOLOGY = orders()
KEYS = ("global", "edge")
REGION = "us-east-1"
BUCKET = f"meridian-revisions-111111111111-{REGION}"
SYNTH = "meridian-synth"
HANDLER = f"""
import sys
sys.path += [{str(ROOT)!r}, *{[p for p in sys.path if p.endswith("site-packages")]!r}]  # what the image would bring
from functools import partial
from pathlib import Path
from handlers.synth import app
from reconciler.hosting import synth
from reconciler.load import load

def checkout(clients, bucket, region, name, version, into):
    assert (bucket, region, name, version) == ({BUCKET!r}, {REGION!r}, "orders", "v1")
    return load(Path({str(ROOT)!r}) / "desired_state" / "orders.yaml")[0]

def handler(event, context):
    return app.respond(event, partial(synth.store_templates, load=checkout))
"""


@pytest.fixture
def bucket(aws: Aws) -> Iterator[Aws]:
    aws.client("s3").create_bucket(Bucket=BUCKET)
    with credentials(aws):
        yield aws


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CachedSynthesizer:
    """The templates of this module, synthesised once."""
    cached = CachedSynthesizer(tmp_path_factory.mktemp("host"))
    cached.templates(TOPOLOGY, KEYS)
    return cached


def function(aws: Aws, code: str, cache: str = "") -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("main.py", code)
    client, iam = aws.client("lambda"), aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=SYNTH, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    variables = {"MERIDIAN_BUCKET": BUCKET, "MERIDIAN_HOME_REGION": REGION, "MERIDIAN_CACHE": cache}

    def created() -> bool:
        try:
            client.create_function(
                FunctionName=SYNTH,
                Role=role,
                Runtime="python3.13",
                Handler="main.handler",
                Timeout=120,
                Code={"ZipFile": out.getvalue()},
                Environment={"Variables": variables},
            )
        except client.exceptions.InvalidParameterValueException:  # Lambda does not see the role yet
            return False
        return True

    aws.until(created)
    client.get_waiter("function_active_v2").wait(FunctionName=SYNTH, WaiterConfig={"Delay": 0.05})


def answers(aws: Aws, answer: object) -> None:
    """A function that says this."""
    function(aws, f"import json\ndef handler(event, context):\n    return json.loads({json.dumps(answer)!r})\n")


def synthesizer(folder: Path, name: str = SYNTH) -> StoredSynthesizer:
    return StoredSynthesizer(Clients(), BUCKET, REGION, name, folder, version="v1")


def objects(aws: Aws) -> dict[str, str]:
    listed = aws.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())
    return {found["Key"]: found["ETag"] for found in listed}


def test_a_missing_template_is_made_once_and_found_by_everybody(
    bucket: Aws, tmp_path: Path, made: CachedSynthesizer
) -> None:
    function(bucket, HANDLER, str(tmp_path / "image"))
    found = synthesizer(tmp_path / "one").templates(TOPOLOGY, KEYS)
    here = made.templates(TOPOLOGY, KEYS)
    assert {key: found[key].body for key in KEYS} == {key: here[key].body for key in KEYS}
    (asset,) = found["edge"].assets
    (same,) = here["edge"].assets
    assert asset.key == same.key
    assert asset.path.read_bytes() == same.path.read_bytes()
    kept = objects(bucket)
    assert kept.keys() == {f"templates/{fingerprint(TOPOLOGY, key)}.zip" for key in KEYS}

    bucket.client("lambda").delete_function(FunctionName=SYNTH)
    again = synthesizer(tmp_path / "two").templates(TOPOLOGY, KEYS)
    assert again["edge"].body == found["edge"].body
    publish(TOPOLOGY, KEYS, TemplateStore(Clients(), BUCKET, REGION), made)
    assert objects(bucket) == kept
    bucket.client("s3").delete_object(Bucket=BUCKET, Key=next(iter(kept)))
    assert synthesizer(tmp_path / "two").templates(TOPOLOGY, KEYS).keys() == set(KEYS)  # from the folder alone


def test_what_was_written_is_never_written_over(bucket: Aws) -> None:
    store = TemplateStore(Clients(), BUCKET, REGION)
    store.put("f", b"first")
    store.put("f", b"second")
    assert store.get("f") == b"first"
    assert (store.has("f"), store.has("g"), store.get("g")) == (True, False, None)


def test_without_a_function_the_error_names_template_and_ways_out(bucket: Aws, tmp_path: Path) -> None:
    with pytest.raises(TemplateMissing) as error:
        synthesizer(tmp_path, "").templates(TOPOLOGY, KEYS)
    address = f"s3://{BUCKET}/templates/{fingerprint(TOPOLOGY, 'global')}.zip"
    assert str(error.value) == (
        f"template global, edge of orders is not at {address}, and no function makes it: upload it with the bundle "
        "(meridian bundle --upload), or deploy the image that makes it (meridian bootstrap --synth-image URI)"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no zip at all, whatever its name says", "does not end with its directory"),
        (packed({"other.json": b"{}"}), "template.json is missing, malformed, or names what is not there"),
        (packed({"template.json": b'{"template": {}, "assets": {"a.zip": "gone"}}'}), "names what is not there"),
        (packed({"template.json": b'{"template": {}, "assets": {"a.zip": "../.."}}'}), "an asset outside the archive"),
    ],
)
def test_a_broken_object_is_named_and_not_used(bucket: Aws, tmp_path: Path, content: bytes, why: str) -> None:
    key = f"templates/{fingerprint(TOPOLOGY, 'global')}.zip"
    bucket.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
    with pytest.raises(TemplateBroken, match=f"{key} .*{why}.*; delete it"):
        synthesizer(tmp_path).templates(TOPOLOGY, ["global"])
    assert list(tmp_path.iterdir()) == []


def test_an_image_of_another_version_is_told_from_a_broken_one(bucket: Aws, tmp_path: Path) -> None:
    answers(bucket, {"stored": {"global": "0" * 64}})
    with pytest.raises(VersionsDiffer, match=r"made 000000000000, asked for is \w{12}: its image and the code"):
        synthesizer(tmp_path).templates(TOPOLOGY, ["global"])


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"stored": {"global": fingerprint(TOPOLOGY, "global")}}, CloudUnavailable, "TemplateLost"),
        ({"error": {"code": "WrongDigest", "message": "no", "again": False}}, SynthesisFailed, "WrongDigest"),
        ({"error": {"code": "Throttled", "message": "later", "again": True}}, CloudUnavailable, "Throttled"),
        ({"error": "text"}, CloudUnavailable, "SynthFailed"),
        (["a list"], CloudUnavailable, "SynthFailed"),
    ],
)
def test_what_the_function_answers(bucket: Aws, tmp_path: Path, answer: Any, kind: type[Exception], code: str) -> None:
    answers(bucket, answer)
    with pytest.raises(kind) as error:
        synthesizer(tmp_path).templates(TOPOLOGY, ["global"])
    assert error.value.code == code  # type: ignore[attr-defined]


def test_a_function_that_dies_may_be_asked_again(bucket: Aws, tmp_path: Path) -> None:
    function(bucket, "def handler(event, context):\n    raise MemoryError('too much')\n")
    with pytest.raises(CloudUnavailable, match=r"the function failed: .*: too much"):
        synthesizer(tmp_path).templates(TOPOLOGY, ["global"])


def test_whoever_uploads_a_bundle_uploads_all_that_the_topology_can_need(bucket: Aws, tmp_path: Path) -> None:
    stored = publish_templates(TOPOLOGY, Clients(), BUCKET, REGION)
    assert {"foundation-home", "data-founder", "data-heir", "api", "edge"} <= stored.keys()
    assert objects(bucket).keys() == {f"templates/{value}.zip" for value in stored.values()}
    found = synthesizer(tmp_path, "").templates(TOPOLOGY, list(stored))
    assert len(found["api"].assets) == 2
