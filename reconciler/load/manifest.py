"""The manifest of a bundle: JSON whose digest covers all that it says, checked field by field when it comes back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from reconciler.model.archive import unsafe
from reconciler.model.bundle import Bundle, BundleRefused, Commit

SCHEMA_VERSION = "1"
KIND = "RevisionBundle"
NAME = re.compile(r"[a-z][a-z0-9-]{1,20}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[A-Za-z0-9._/~:-]{0,200}")
_AUTHOR = 200
_GENERATION = 10**9
_FOLDERS = 100

Fields = Mapping[str, Any]


def made(
    topology: str, document: str, commit: Commit, *, rollback: bool, code: Mapping[str, str], document_sha256: str
) -> Fields:
    fields = {
        "schemaVersion": SCHEMA_VERSION,
        "kind": KIND,
        "topology": topology,
        "document": document,
        "commit": commit.commit,
        "author": commit.author,
        "generation": commit.generation,
        "repository": commit.repository,
        "rollback": rollback,
        "code": dict(code),
        "documentSha256": document_sha256,
    }
    return {**fields, "digest": _digest(fields)}


def text(fields: Fields) -> bytes:
    return (json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read(data: bytes) -> Fields:
    """The JSON of a manifest, each key once."""
    try:
        fields = json.loads(data.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _refused(f"is no JSON object with each key once: {error}") from error
    if not isinstance(fields, dict):
        raise _refused("is no JSON object")
    return fields


def parsed(fields: Fields, *, version: str = "") -> Bundle:
    """The bundle that a manifest speaks of. Raises `BundleRefused` at the first thing that is not as it must be."""
    spoken = fields.get("schemaVersion")
    if spoken != SCHEMA_VERSION or fields.get("kind") != KIND:
        message = (
            f"is a {str(fields.get('kind'))[:40]!r} of schema version {str(spoken)[:20]!r}; this Meridian reads {KIND} of version "
            f"{SCHEMA_VERSION!r}: upgrade the control plane with `meridian bootstrap`"
        )
        raise _refused(message, "WrongSchemaVersion")
    digest = _digest({key: value for key, value in fields.items() if key != "digest"})
    if fields.get("digest") != digest:
        raise _refused(f"has the digest {digest}, and says {str(fields.get('digest'))[:80]!r}", "WrongDigest")
    code = fields.get("code")
    if (
        not isinstance(code, dict)
        or not 0 < len(code) <= _FOLDERS
        or not all(map(_is_code, *zip(*code.items(), strict=True)))
    ):
        raise _refused("names no folders with the hash of their content under code")
    return Bundle(
        topology=_text(fields, "topology", NAME),
        commit=_text(fields, "commit", _COMMIT),
        author=_author(fields.get("author")),
        generation=_generation(fields.get("generation")),
        repository=_text(fields, "repository", _REPOSITORY),
        rollback=_flag(fields.get("rollback")),
        digest=digest,
        document=_document(fields.get("document")),
        code=code,
        document_sha256=_text(fields, "documentSha256", _HASH),
        version=version,
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _digest(fields: Fields) -> str:
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _is_code(folder: Any, digest: Any) -> bool:
    return (folder == "." or unsafe(folder) is None) and isinstance(digest, str) and bool(_HASH.fullmatch(digest))


def _text(fields: Fields, name: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _refused(f"has {str(value)[:80]!r} as {name}; it must match {pattern.pattern}")
    return value


def _author(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _AUTHOR or not value.isprintable():
        raise _refused(f"has no author of at most {_AUTHOR} printable characters")
    return value


def _generation(value: Any) -> int:
    if type(value) is not int or not 0 < value < _GENERATION:
        raise _refused(f"has {str(value)[:40]!r} as generation; a number of commits is expected")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refused(f"has {str(value)[:40]!r} as rollback; true or false is expected")
    return value


def _document(value: Any) -> str:
    """`desired_state/orders.yaml`: one folder and a file, from which `load` finds the root."""
    if not isinstance(value, str) or unsafe(value) or value.count("/") != 1 or not value.endswith((".yaml", ".yml")):
        raise _refused(f"has {str(value)[:80]!r} as document; a YAML file in a folder is expected")
    return value


def _refused(why: str, code: str = "BadManifest") -> BundleRefused:
    return BundleRefused(f"the bundle's manifest {why}", code=code)
