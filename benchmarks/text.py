"""What RESULTS.md says whatever is found: what is compared, why the sides differ, and how each number is taken."""

from __future__ import annotations

from collections.abc import Mapping

HEADER = """# Benchmarks

Written by `make bench`. Whole processes, `meridian` and the CDK's command line, against one embedded AWS on the same machine.
Medians, where there is more than one run; the runs of all sides take turns, so that a busy minute hits all of them. What the two
tools make is the same: the stacks of `desired_state/orders.yaml`.
"""

REASONS: Mapping[str, str] = {
    "from nothing": (
        "Both make the same stacks. `converge` also makes the traffic gates (the peer is given them) and runs the migrations; it"
        " makes two secondaries at a time, waits until every probe and gate is healthy and DNS has spread, and makes the edge last."
    ),
    "nothing to do": "`plan` also reads what no stack knows: gates, health, the writer, replica lag.",
    "what a small change would do": (
        "`plan` says in which order and behind which gates, and has verified it; `cdk diff` compares templates alone."
    ),
    "a small change": (
        "`converge` changes one Region after another, the writer's last, and has each prove itself for two minutes (`soakSeconds`)"
        " before the next; the peer changes all at once: a broken function would be in every Region."
    ),
    "drift repaired": (
        "`converge` looks at everything, repairs the stack that drifted, and waits until all serves; the peer has CloudFormation"
        " compare every stack, in one change set each."
    ),
}
"""What Meridian does beyond the peer, or in another way, by question. Said where it costs us something."""

COMPARED = """
## What is compared

- **The same templates.** The peer gets an app ([peer_app.py](peer_app.py)) that instantiates our own stacks, once per Region. For
  stacks that stand it gives exactly the deployed templates, so that the peer finds no difference either. From nothing, what
  Meridian hands over as parameters when it has seen it is written into the app as the CDK itself does: exports and imports between
  stacks, an order (the shortest that CloudFormation accepts), zones and networks as values. The traffic gates, which no template
  describes, are made beforehand.
- **The peer at its best.** Twelve stacks at a time, files uploaded side by side, no approvals, no notices, no telemetry; where
  templates are compared, one synthesis for both commands and `--method=template`, which makes no change sets, beside what people
  type. No `--hotswap` and no `--express`: they skip what makes an update safe. It acts with the caller's rights, as our stacks ask
  for; there is no bootstrap stack, whose making would be the peer's alone.
- **Sleeps.** The peer asks CloudFormation again after two or five seconds, which on a clock that runs 600 times as fast are twenty
  or fifty minutes of AWS's time. So its sleeps are shortened as much as the clock is quickened ([waits.cjs](waits.cjs)), as
  Meridian's own are; one row leaves them as they are. Nothing else of the peer is touched.
- **A fast clock flatters waiting and magnifies work.** At 60 times, a second of either tool's own work counts as a minute of
  AWS's. Both pay for that. On AWS the times of deployments are mostly CloudFormation's, the same for both; processor time and
  calls are what a tool adds, and do not depend on the clock (questions about progress do, a little).
- **Not of equal scope.** `cdk drift` asks CloudFormation to detect drift of every resource type that CloudFormation supports;
  `plan` reads the properties in Meridian's field catalogue, and counts the others as unchecked.
"""

MEASURED = """
## How each number is taken

| number | how |
|---|---|
| time | wall clock, from the start of the command to its end, the embedded AWS's work on another core included |
| processor | user and system time of the command and its children, from the kernel (`wait4`), without the embedded AWS |
| largest process | the largest resident set of any one process of the command (`ru_maxrss`), children included |
| AWS calls | counted by the embedded AWS, retries and questions about progress included |
| runs | those that the medians are of; each begins with the same world, brought back from a snapshot |
| templates | our cache is empty from nothing, of the commit before at a small change, else warm; the peer always synthesises |
| right at the end | exit code 0 and the right words; after a change each Region's function is asked for its memory |
| latency | the embedded AWS waits so long before it answers any call |
| first mutating call | from the start of `meridian converge` on nothing, as the embedded AWS sees it, to a twentieth of a second |
| where we lose | every measure above in which a peer needs less than we do, whatever it is, and every goal that was missed |
"""
