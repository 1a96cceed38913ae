"""What the loop needs of the world, as Protocols. `aws` implements them on boto3; tests implement them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from reconciler.model.facts import Facts, StackFacts, Sweep
from reconciler.model.issuer import PublicKey
from reconciler.model.notice import Notice
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Outcome, Revision
from reconciler.model.provenance import Act, Lookup
from reconciler.model.requests import ChangeSet, FailOver, Request
from reconciler.model.schema import Schema
from reconciler.model.stacks import StackRef, Template
from reconciler.model.survey import Answers, Question
from reconciler.model.topology import Topology
from reconciler.model.turn import Turn


class Cloud(Protocol):
    """AWS. Reads may run in parallel; every write is one request and gets one attempt."""

    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN, asked: Callable[[], bool] | None = None) -> Facts:
        """Read everything that the sweep covers. A part that cannot be read is `Unknown` in its place, one that the sweep leaves
        out `LATER`. With `asked` the reading takes only what others leave of the API budgets, and raises `GaveWay` as soon as
        somebody has asked for a pass.

        Raises `ReconcilerError` only where nothing at all can be known: no credentials, endpoint unreachable.
        """

    def account(self, topology: Topology) -> str:
        """The account that the credentials belong to. Raises `ReconcilerError`."""

    def change_set(self, stack: StackRef, stack_name: str, name: str) -> ChangeSet | None:
        """One change set with all its changes (every page), or None."""

    def schema(self, region: str, function: str) -> Schema:
        """What the migrations' function of this Region says of the database. Raises `ReconcilerError`, also when the database does
        not answer it."""

    def perform(self, request: Request) -> None:
        """Make one request. Raises `ReconcilerError`; a request that AWS has already carried out is not an error."""

    def statuses(self, stacks: Mapping[StackRef, str]) -> Mapping[StackRef, str | None]:
        """Status of each named stack (value: its name), for waiting cheaply between passes; None: gone or unreadable."""

    def looked_up(self, lookups: Sequence[Lookup]) -> Mapping[Lookup, tuple[Act, ...] | Unknown]:
        """What the event histories tell, newest first; what cannot be asked is `Unknown`."""

    def calls(self) -> Mapping[str, int]:
        """Calls made so far, by service."""


class Synthesizer(Protocol):
    def templates(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Template]:
        """The asked template variants, from the cache where their inputs did not change. Raises `ReconcilerError`."""


class Issuers(Protocol):
    """Who issues clients' tokens: an outside party, reached as any client reaches it."""

    def keys(self, issuer: str) -> tuple[PublicKey, ...] | Unknown:
        """The public keys that the issuer publishes now. Whatever it answers, or does not, is `Unknown` at worst."""


class RevisionSource(Protocol):
    def revision(self, topology: Topology, recorded: Mapping[str, Any] | None) -> Revision:
        """The revision of the desired state at hand; `recorded` is the last status document."""


class Lease(Protocol):
    token: int
    """Rises with every acquisition; 0 while there is no table, and nothing is held."""
    stolen: bool
    """It was taken over from a holder that let it run out."""
    due: str | None
    """Set while it is held: the timer that counts from its release on."""
    asked: bool
    """Somebody asked meanwhile, as far as its last renewal told."""
    dirty: bool
    """The same, known after its release."""
    released: bool

    def check(self) -> None:
        """Raises `LeaseLost` once the lease is no longer ours, or may soon not be: nothing may be written then."""

    def working_on(self, step: str) -> None:
        """Says what the holder does, for whoever finds it held."""


class Detector(Protocol):
    """The second way to find drift, which writes: AWS is asked by change sets that are never executed."""

    def detect(self, lease: Lease, topology: Topology, seen: Outcome) -> Mapping[str, Any] | None:
        """The status document, with what was detected. `seen`: a full look from just before; `lease` is checked before every
        write. Raises `ReconcilerError` where the pass cannot go on; a stack that could not be asked is no error."""


class Journal(Protocol):
    """Table meridian-state in the home Region: the status document and the lease of each topology."""

    def recorded(self, topology: Topology) -> Mapping[str, Any] | None:
        """The last status document; None while there is none, or no table. Raises `ReconcilerError`."""

    def record(self, topology: Topology, status: Mapping[str, Any]) -> None:
        """Keep the status document. Raises `LeaseLost` where the lease is no longer ours. Does nothing while the table does not
        exist yet."""

    def forget(self, topology: Topology) -> None:
        """Drop the status document of a topology that is destroyed. Does nothing while there is none."""

    def lease(self, topology: Topology, turn: Turn | None = None) -> AbstractContextManager[Lease]:
        """Hold the topology's lease, renewed while held. Raises `LeaseHeld` while somebody alive holds it; a hosted pass, which
        has a `turn`, does not wait to see whether they are, and raises `StaleTimer` for a timer that does not count.

        While the table does not exist yet nothing is held: deterministic names keep two first runs from clashing.
        """


class Records(Protocol):
    """Where records of passes are kept."""

    @property
    def named(self) -> bool:
        """Whether the status names them: where everybody who reads it finds them."""

    def keep(self, key: str, data: bytes) -> None:
        """One record. Raises `ReconcilerError`."""


class Notifier(Protocol):
    """Who tells people without being asked."""

    def publish(self, notice: Notice) -> None:
        """One attempt. Raises `ReconcilerError`; whether it was published all the same is not known then."""


class Pages(Protocol):
    """Where the pages of topologies are kept, for whoever may look."""

    @property
    def bucket(self) -> str: ...

    def keep(self, key: str, page: str) -> None:
        """One page in the place of the one before. Raises `ReconcilerError`."""


class Emergency(Protocol):
    """What a failover needs, all of it in the one Region that takes over: nothing else has to be up."""

    def global_cluster(self, name: str) -> Mapping[str, Any] | None:
        """The global cluster as this Region sees it, in AWS's shape. Raises `ReconcilerError`."""

    def cluster(self, identifier: str) -> Mapping[str, Any] | None:
        """A cluster of this Region, in AWS's shape. Raises `ReconcilerError`."""

    def fail_over(self, request: FailOver) -> None:
        """One attempt. Raises `ReconcilerError`."""

    def keep(self, bucket: str, key: str, text: str) -> None:
        """Write an object into a bucket of this Region. Raises `ReconcilerError`."""


class ControlPlane(Protocol):
    """What `bootstrap` reads beside the stacks' change sets. Each raises `ReconcilerError`."""

    def stack(self, ref: StackRef, name: str) -> StackFacts | None:
        """One stack by its name, which may belong to no topology; None: there is none."""

    def trails(self, region: str) -> Sequence[Mapping[str, Any]]:
        """Trails that record in this Region: as AWS describes them, with `IsLogging` and their selectors."""

    def identity_providers(self) -> Sequence[str]:
        """ARNs of the account's OpenID Connect providers."""

    def bucket_key(self, bucket: str, region: str) -> str | None:
        """The key that a bucket of ours encrypts with, empty if none of KMS; None: there is no such bucket."""

    def key_state(self, key: str, region: str) -> str:
        """`Enabled`, or what else AWS says of a key."""

    def has_role(self, name: str) -> bool:
        """Whether the account has a role of this name."""


class Surveyor(Protocol):
    """The account's quotas, names and Regions, and the public DNS, as a preflight asks about them. Reads only."""

    def answers(self, questions: Iterable[Question]) -> Answers:
        """An answer to each question, `Unknown` in the place of one that did not come."""


class Clock(Protocol):
    """AWS's time: virtual on the embedded AWS, the wall clock elsewhere."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None:
        """Sleep so many seconds of this clock."""
