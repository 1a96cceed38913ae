"""The acts of the demo, each a thing that a team does with its API: create, change, repair, and find nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo.stage import Stage, StepFailed

LAST_REGION = "    - {name: ap-northeast-1, cidr: 10.30.0.0/16, traffic: serving}\n"
NEW_REGION = "    - {name: eu-central-1,   cidr: 10.40.0.0/16, traffic: serving}\n"
DRAINED = LAST_REGION.replace("serving", "drained")
FIRST_REGION = "    - {name: us-east-1,      cidr: 10.10.0.0/16, traffic: serving}     # serving | drained\n"
SECOND_REGION = "    - {name: eu-west-1,      cidr: 10.20.0.0/16, traffic: serving}\n"
FOUND = (
    "4 drift findings",
    "2 to heal",
    "1 to hold",
    "1 to page",
    "priceClass",
    "ttlSeconds",
    "capacity/max",
    "snapshots",
)
LEFT = ("2 drift findings", "1 to hold", "1 to page", "capacity/max", "snapshots")
"""What the drift reports have to say of the changes made by hand."""


GENERATION = "7"
"""Of the commit that the control plane converges on: the commits up to there are counted."""


@dataclass(frozen=True, slots=True)
class Act:
    title: str
    play: Callable[[Stage], str]
    """Gives the result in half a line, or raises `StepFailed`."""


def create(stage: Stage) -> str:
    stage.console.tell(
        "The AWS account holds a hosted zone and nothing else. The whole API is one YAML file: three Regions, the "
        "database's writer in us-east-1, one public name. Commit it, read the plan, converge."
    )
    stage.commit("Orders API in three Regions")
    stage.meridian("plan", "--out", "../plan-1.json")
    stage.console.tell(
        "A wave starts only when the gates of the one before hold. Traffic is let in last: each Region's gate is created "
        "closed, and opened when its probe is healthy."
    )
    stage.meridian("converge", "--plan", "../plan-1.json", says=("Ready (Converged)",))
    stage.console.tell(
        "Clients call one name. The function at the edge near them asks DNS for the nearest Region that is healthy, and signs "
        "the request for it. Each Region writes: Aurora forwards that to the writer, and every Region reads it."
    )
    stage.python("demo.clients", "london=eu-west-1", "tokyo=ap-northeast-1", "new-york=us-east-1")
    return "three Regions serve, each the clients near it"


def change(stage: Stage) -> str:
    stage.console.tell("A commit that changes two settings and adds a fourth Region, while the API is serving.")
    stage.edit(
        ("memoryMb: 512", "memoryMb: 1024"),
        ("ttlSeconds: 10", "ttlSeconds: 20"),
        (LAST_REGION, LAST_REGION + NEW_REGION),
    )
    stage.commit("More memory, a longer TTL, and a fourth Region")
    stage.meridian("github", "plan", "--detailed-exitcode", "--out", "../pull-request", expect=2)
    stage.console.tell(
        "The function changes in one Region after another, the writer's last, with a soak between. The new Region gets "
        "traffic only once its database follows and its probe is healthy. The edge is not touched."
    )
    stage.console.tell("In a workflow, the same command writes the plan as a comment into the pull request:")
    stage.cat("../pull-request/orders.md")
    stage.meridian("converge", "--plan", "../pull-request/orders.json", says=("Ready (Converged)",))
    return "rolled out, four Regions serve"


def drain(stage: Stage) -> str:
    stage.console.tell(
        "A commit takes one Region out of traffic. Everything in it goes on running, its replication too."
    )
    stage.edit((LAST_REGION, DRAINED))
    stage.commit("Drain Tokyo")
    stage.meridian("converge", says=("close-gate", "Ready (Converged)"))
    stage.python("demo.clients", "tokyo=eu-central-1")
    return "no client is sent there any more"


def refuse(stage: Stage) -> str:
    stage.console.tell(
        "A commit that would take two more Regions out of traffic at once. One at a time is allowed, so there is no plan at "
        "all: a refusal that names the rule, the field and the way out, and nothing is touched."
    )
    changes = [(region, region.replace("serving", "drained")) for region in (SECOND_REGION, NEW_REGION)]
    stage.edit(*changes)
    stage.commit("Drain Ireland and Frankfurt, too")
    stage.forget_calls()
    stage.meridian("converge", expect=3, says=("BlastRadius", "maxConcurrentRegions"))
    _nothing_changed(stage)
    stage.console.tell("The commit is taken back.")
    stage.edit(*((new, old) for old, new in changes))
    stage.commit("Revert: drain Ireland and Frankfurt, too")
    return "refused, nothing touched"


def leave(stage: Stage) -> str:
    stage.console.tell(
        "One commit: Tokyo takes traffic again, the writer moves from us-east-1 to eu-west-1, and us-east-1 goes, where the "
        "database was founded. What serves more comes first, then the writer moves without loss, and only then is the old "
        "writer's Region drained and taken apart."
    )
    stage.edit((DRAINED, LAST_REGION), (FIRST_REGION, ""), ("writer: us-east-1", "writer: eu-west-1"))
    stage.commit("The writer moves to Ireland, Virginia goes")
    stage.meridian("plan", "--detailed-exitcode", "--out", "../plan-leave.json", expect=2, says=("0 violations",))
    stage.console.tell(
        "The plan was replayed before it was shown: after each step, and with each step failing, half done or repeated. What "
        "finishes aside takes its time (Lambda keeps network interfaces for half an hour), and Ready does not wait for it."
    )
    stage.meridian("converge", "--plan", "../plan-leave.json", says=("finishing aside", "Ready (Converged)"))
    stage.python("demo.clients", "london=eu-west-1", "tokyo=ap-northeast-1", "new-york=eu-west-1")
    return "eu-west-1 writes, us-east-1 is gone but for a snapshot"


def _nothing_changed(stage: Stage) -> None:
    calls = stage.calls()
    if calls["byHand"]:
        made = ", ".join(c["call"] for c in calls["calls"] if c["mutating"])
        raise StepFailed(f"mutating calls were made: {made}")


def repair(stage: Stage) -> str:
    stage.console.tell("Somebody changes four things by hand, past Git. The desired state has not moved.")
    stage.python("demo.by_hand")
    stage.meridian("drift", "--detailed-exitcode", expect=2, says=FOUND)
    stage.console.tell(
        "Each is named, and judged: two are declared, and nobody needs them otherwise; more capacity may be what keeps Tokyo up; "
        "data that another account can copy is a matter for a person. Converging repairs the first two and leaves the others."
    )
    stage.meridian("converge", says=("Ready (Converged)",))
    stage.meridian("drift", "--detailed-exitcode", expect=2, says=LEFT)
    stage.console.tell(
        "A commit could adopt the capacity. Here whoever did it takes both back. With --heal, CloudFormation compares what it "
        "deployed as well, which reaches what no read does."
    )
    stage.python("demo.by_hand", "back")
    stage.meridian("drift", "--heal", "--detailed-exitcode")
    return "two repaired, one held, one paged"


def leave_it_alone(stage: Stage) -> str:
    stage.console.tell(
        "So far, each pass ran where somebody called the command. Bootstrap makes the control plane: a bucket for revisions, a "
        "queue, the reconciler in Lambda, and in every Region in use the rules for what wakes it. Once per account."
    )
    stage.meridian("bootstrap")
    stage.python("demo.timer", "off")
    stage.console.tell(
        "The timer that wakes it every 15 minutes, if all events are lost, is off: what follows is the events' doing. From here a "
        "commit is merged, and what CI runs then is one command. It only uploads."
    )
    stage.edit(("memoryMb: 1024", "memoryMb: 2048"), (NEW_REGION, NEW_REGION.replace("serving", "drained")))
    stage.commit("More memory, Frankfurt out of traffic")
    since = stage.now()
    stage.meridian("bundle", "--upload")
    stage.forget_calls()
    stage.console.tell(
        "No command from here on. This only looks: at the status that passes leave, then at their log. (Here the embedded AWS lets "
        "every call through; the tests have it enforce the functions' policies.)"
    )
    stage.python("demo.follow", GENERATION, "--since", since)
    _no_hand(stage)
    stage.console.tell(
        "Somebody changes a record by hand again. That call is what wakes the reconciler: CloudTrail tells it."
    )
    since = stage.now()
    stage.python("demo.by_hand", "dns")
    stage.forget_calls()
    stage.python("demo.follow", GENERATION, "--since", since, "--repaired")
    _no_hand(stage)
    stage.console.tell("All that changed anything in AWS meanwhile was asked for by the functions.")
    return "a commit and a repair, nobody ran converge"


def _no_hand(stage: Stage) -> None:
    if by_hand := stage.calls()["byHand"]:
        raise StepFailed(f"{by_hand} mutating calls were made by others than the control plane's functions")


def rest(stage: Stage) -> str:
    stage.console.tell("Nothing is left to do: the plan is empty, and another converge changes nothing on AWS.")
    stage.meridian("plan", "--detailed-exitcode")
    stage.forget_calls()
    stage.meridian("converge", says=("Ready (Converged)",))
    calls = stage.calls()
    stage.console.tell(
        f"Calls that this converge made: {calls['total']}, of which may change anything: {calls['byHand']}."
    )
    _nothing_changed(stage)
    stage.console.tell("And clients everywhere, each by its nearest Region, with the order that another one took.")
    stage.python("demo.clients", "london=eu-west-1", "tokyo=ap-northeast-1", "new-york=eu-west-1")
    return f"{calls['total']} reads, 0 writes"


ACTS = (
    Act("From nothing to three Regions", create),
    Act("Change settings and add a Region", change),
    Act("Drain a Region", drain),
    Act("Ask for too much", refuse),
    Act("Move the writer, and remove its old Region", leave),
    Act("Repair what was changed by hand", repair),
    Act("Nobody runs a command", leave_it_alone),
    Act("Nothing to do", rest),
)
