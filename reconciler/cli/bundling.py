"""`meridian bundle`: the commit at hand as revision bundles, into a folder or into the account's revision bucket.

What is refused is refused before anything is written, as far as that can be seen; then each topology is for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import exits, inputs, output
from reconciler.cli.settings import Settings
from reconciler.load.bundle import folders, pack
from reconciler.model.bundle import BundleRefused, Commit, Packed, announced
from reconciler.model.errors import ReconcilerError, WrongAccount
from reconciler.model.topology import Topology
from reconciler.report.bundles import Done, bundle_json, bundle_text

if TYPE_CHECKING:
    from reconciler.aws.revisions import RevisionBucket

PublishTemplates = Callable[[Topology], None]
"""Synthesises what a topology can need and puts it into the revision bucket, so that no pass has to wait for it."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The commit at hand and the topologies in it."""

    topologies: tuple[Topology, ...]
    commit: Commit
    ignored: tuple[str, ...]
    """Files that ship though no commit holds them."""

    def pack(self, topology: Topology, *, rollback: bool) -> Packed:
        from reconciler import wiring

        beside = [t for t in self.topologies if t.source == topology.source and t is not topology]
        return pack(topology, commit=self.commit, rollback=rollback, beside=beside, shipped=wiring.shipped)

    def ignored_in(self, packed: Packed) -> tuple[str, ...]:
        return tuple(f for f in self.ignored if any(c == "." or f.startswith(f"{c}/") for c in packed.bundle.code))


def bundle(
    settings: Settings,
    path: Path,
    *,
    out: Path,
    upload: bool,
    rollback: bool,
    announce: bool,
    publish_templates: PublishTemplates | None = None,
) -> int:
    if rollback and not upload:
        raise click.UsageError("--rollback is about what is in the revision bucket: it needs --upload")
    source = _source(inputs.topologies(path))
    if not (upload or announce):
        return _each(settings, source.topologies, lambda t: _written(source, t, out))
    from reconciler import wiring

    ours, skipped = of_account(source.topologies)
    bucket = wiring.revisions(ours[0].account, ours[0].home_region)  # an account has one home Region
    if upload and path.is_dir():
        refuse_vanished(source.commit.repository, ours, bucket)

    def carried_out(topology: Topology) -> Done:
        if topology in skipped:
            return skipped[topology]
        if not upload:
            return _announced(source, topology, bucket)
        done = _uploaded(source, topology, bucket, rollback=rollback, publish=publish_templates)
        if announce:
            _announced(source, topology, bucket)
        return done

    return _each(settings, source.topologies, carried_out)


def warm(topology: Topology) -> None:
    """The templates, so that no pass has to wait for them, and none needs the function synth."""
    from reconciler import wiring

    wiring.publish_templates(topology)


def _source(topologies: tuple[Topology, ...]) -> Source:
    from reconciler import wiring

    root = topologies[0].root
    documents = [t.source for t in topologies]
    code = folders(topologies)
    commit = wiring.commit_at_hand(root, tuple(dict.fromkeys([*documents, *code])))
    try:
        shipped = {(Path(folder) / file).as_posix() for folder in code for file in wiring.shipped(root / folder)}
    except ValueError as error:  # a link that leads elsewhere
        raise BundleRefused(str(error)) from error
    ignored = tuple(f for f in wiring.ignored(root, code) if f in shipped)
    return Source(topologies=topologies, commit=commit, ignored=ignored)


def _written(source: Source, topology: Topology, out: Path) -> Done:
    packed = source.pack(topology, rollback=False)
    file = out / f"{topology.name}.zip"
    (out / "code").mkdir(parents=True, exist_ok=True)
    for digest, data in packed.code.items():
        (out / "code" / f"{digest}.zip").write_bytes(data)
    file.write_bytes(packed.data)
    return Done.of(packed, "written", str(file), ignored=source.ignored_in(packed))


def of_account(topologies: Sequence[Topology]) -> tuple[tuple[Topology, ...], Mapping[Topology, Done]]:
    """Those that the credentials are for, and what is said of the others."""
    from reconciler import wiring

    account = wiring.account(topologies[0])
    ours = tuple(t for t in topologies if t.account == account)
    if not ours:
        wanted = ", ".join(sorted({t.account for t in topologies}))
        raise WrongAccount(
            f"the credentials are for {account}, and no document is for that account ({wanted}); use those of one of them",
            path="spec.account",
        )
    others = [t for t in topologies if t.account != account]
    return ours, {t: Done.skipped(t.name, f"is for account {t.account}, the credentials for {account}") for t in others}


def refuse_vanished(repository: str, ours: Sequence[Topology], bucket: RevisionBucket) -> None:
    """A topology that had a bundle from this very folder and has no document any more, or one for another account: nobody said
    that it is to go."""
    from reconciler import wiring

    folder = wiring.folder_of(ours[0].source)
    missing = set(bucket.names()) - {t.name for t in ours}
    seen = {name: bucket.described(name) for name in sorted(missing)} if repository else {}
    gone = [n for n, d in seen.items() if d and (d.accepted.repository, d.folder) == (repository, folder)]
    if gone:
        names = ", ".join(gone)
        raise BundleRefused(
            f"no document here declares {names} for this account, as {repository} did; nothing is uploaded. To remove it: "
            + "; ".join(f"`meridian destroy {n} --confirm {n}`" for n in gone)
            + ", from a commit that has its document. If it was renamed, put the old name back",
            code="TopologyVanished",
        )


def _uploaded(
    source: Source, topology: Topology, bucket: RevisionBucket, *, rollback: bool, publish: PublishTemplates | None
) -> Done:
    packed = source.pack(topology, rollback=rollback)
    seen = bucket.described(topology.name)
    where = f"s3://{bucket.bucket}/revisions/{topology.name}.zip"
    ignored = source.ignored_in(packed)
    if seen and seen.accepted.digest == packed.bundle.digest:
        if publish:  # another Meridian makes other templates of the same commit
            publish(topology)
        mended = bucket.keep_code(packed)
        return Done.of(packed, "unchanged", where, version=seen.accepted.version, ignored=ignored, mended=mended)
    if seen and (refusal := seen.accepted.takes(packed.bundle)):
        raise BundleRefused(refusal.message, code=refusal.code)
    if publish:
        publish(topology)
    version = bucket.upload(packed, seen)
    return Done.of(packed, "uploaded", where, version=version, ignored=ignored)


def _announced(source: Source, topology: Topology, bucket: RevisionBucket) -> Done:
    """Says where the head is; after an upload that is where the bundle is, too."""
    from reconciler import wiring

    seen = bucket.described(topology.name)
    bundled = seen.accepted.generation if seen else 0
    bucket.announce(topology.name, announced(source.commit, bundled, bucket.head(topology.name), wiring.now()))
    return Done.announced(topology.name, source.commit, bundled, f"s3://{bucket.bucket}/heads/{topology.name}.json")


def _each(settings: Settings, topologies: Iterable[Topology], one: Callable[[Topology], Done]) -> int:
    """One that fails does not keep the next from its turn."""
    wanted, done, codes = tuple(topologies), list[Done](), list[int]()
    for topology in wanted:
        try:
            done.append(one(topology))
            codes.append(exits.DONE)
        except ReconcilerError as error:
            if len(wanted) == 1:
                raise
            output.tell(f"{topology.name}: {error.code}: {error.message}")
            codes.append(exits.of_error(error))
    if not done:
        output.show_error(settings, exits.NotDone("no topology was bundled, see stderr", code="NothingBundled"))
        return exits.combined(codes)
    documents: list[Mapping[str, Any]] = [bundle_json(d) for d in done]
    output.show_all(settings, documents, lambda: [bundle_text(d) for d in done], lambda: [bundle_text(d) for d in done])
    return exits.combined(codes)
