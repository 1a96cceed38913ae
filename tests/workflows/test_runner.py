"""The tests' own runner, on small files: what it does as GitHub's does, and what it does not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.expressions import Unknown
from tests.workflows.hub import Hub
from tests.workflows.runner import Job, run

HEAD = """
name: t
on: {push: {}}
defaults: {run: {shell: bash}}
"""


@pytest.fixture
def jobs(tmp_path: Path):
    def make(text: str, **more) -> dict[str, Job]:
        path = tmp_path / "workflow.yml"
        path.write_text(HEAD + text)
        return run(Hub(base=tmp_path, origin=tmp_path, event="push", payload={}, sha="0" * 40, **more), path)

    return make


def test_files_of_the_runner_carry_values_from_step_to_step_and_from_job_to_job(jobs) -> None:
    done = jobs("""
jobs:
  b:
    needs: a
    steps: [{run: 'test "$X" = "one two"', env: {X: "${{ needs.a.outputs.x }}"}}]
  a:
    outputs: {x: "${{ steps.s.outputs.x }}"}
    env: {HERE: "${{ vars.V }}"}
    steps:
      - {run: "echo A=1 >> $GITHUB_ENV", name: set}
      - {id: s, run: 'test $A$HERE = 12; printf "x<<END\\none two\\nEND\\n" >> $GITHUB_OUTPUT; echo said >> $GITHUB_STEP_SUMMARY'}
""", variables={"V": "2"})  # fmt: skip
    assert {n: j.result for n, j in done.items()} == {"a": "success", "b": "success"}
    assert done["a"].summary == "said\n"


def test_what_follows_a_failure_is_skipped_unless_it_asks_for_that(jobs) -> None:
    done = jobs("""
jobs:
  a:
    steps:
      - {run: "false | true", name: pipefail}
      - {run: "true", name: after}
      - {run: "true", name: anyway, if: "${{ !cancelled() }}"}
  b: {needs: a, steps: [{run: "true"}]}
  c: {needs: b, if: always(), steps: [{run: "true"}]}
""")
    assert [s.conclusion for s in done["a"].steps] == ["failure", "skipped", "success"]
    assert {n: j.result for n, j in done.items()} == {"a": "failure", "b": "skipped", "c": "success"}


def test_a_run_that_is_cancelled_kills_its_step_and_skips_what_does_not_ask_for_that(jobs, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    done = jobs(
        """
jobs:
  a:
    steps:
      - {run: "echo here; touch $BEGUN; sleep 60; touch $BEGUN-ended"}
      - {run: "true", name: after}
      - {run: echo ran, name: anyway, if: always()}
  b: {needs: a, steps: [{run: "true"}]}
""",
        cancelled=begun.exists,
        world={"BEGUN": str(begun)},
    )
    assert [s.conclusion for s in done["a"].steps] == ["cancelled", "skipped", "success"]
    assert done["a"].log == "here\nran\n"
    assert not (tmp_path / "begun-ended").exists()
    assert {n: j.result for n, j in done.items()} == {"a": "cancelled", "b": "skipped"}


def test_a_step_that_may_fail_is_told_by_its_outcome(jobs) -> None:
    done = jobs("""
jobs:
  a:
    steps:
      - {id: may, run: exit 3, continue-on-error: true}
      - {run: exit 4, if: "steps.may.outcome == 'failure' && steps.may.outputs.x == ''"}
""")
    assert [(s.outcome, s.conclusion) for s in done["a"].steps] == [("failure", "success"), ("failure", "failure")]


def test_commands_are_obeyed_as_a_runner_obeys_them(jobs) -> None:
    done = jobs("""
jobs:
  a:
    steps:
      - run: |
          echo "::error file=a.yaml,line=3::wrong"
          echo "::stop-commands::word"; echo "::set-env name=A::b"; echo "::word::"
          echo "::add-path::/tmp"
""")
    assert done["a"].steps[0].printed.annotations == [("error", "file=a.yaml,line=3", "wrong")]
    assert done["a"].steps[0].printed.others == ["add-path"]


def test_a_matrix_makes_a_job_of_each_row_and_a_role_needs_a_token(jobs) -> None:
    done = jobs("""
jobs:
  a:
    strategy: {matrix: {include: [{x: one}, {x: two}]}}
    env: {X: "${{ matrix.x }}"}
    steps: [{run: 'test "$X" = one'}]
""")
    assert {n: j.result for n, j in done.items()} == {"a (one)": "success", "a (two)": "failure", "a": "failure"}
    role = "{role-to-assume: 'arn:aws:iam::1:role/x', aws-region: us-east-1}"
    with pytest.raises(AssertionError, match="id-token"):
        jobs(f"jobs: {{a: {{steps: [{{uses: aws-actions/configure-aws-credentials@{'0' * 40}, with: {role}}}]}}}}")


@pytest.mark.parametrize(
    "job",
    [
        "{steps: [{run: 'echo ${{ github.sha }}'}]}",
        "{steps: [{uses: 'somebody/else@0000000000000000000000000000000000000000'}]}",
        "{steps: [{uses: 'actions/cache@v4', with: {}}]}",
        "{steps: [{run: x, env: {A: '${{ secrets.A }}'}}]}",
        "{steps: [{run: x, working-directory: y}]}",
        "{steps: [{run: x}], services: {}}",
        "{strategy: {matrix: {x: [1]}}, steps: [{run: x}]}",
    ],
)
def test_what_the_runner_does_not_know_fails_the_test(jobs, job: str) -> None:
    with pytest.raises((AssertionError, Unknown)):
        jobs(f"jobs: {{a: {job}}}")


def test_limits_that_github_enforces_in_silence_fail_the_test(jobs) -> None:
    with pytest.raises(AssertionError, match="annotations"):
        jobs("jobs: {a: {steps: [{run: 'for i in {1..11}; do echo ::warning::$i; done'}]}}")
    with pytest.raises(AssertionError, match="no summary"):
        jobs("jobs: {a: {steps: [{run: 'head -c 1048577 /dev/zero | tr \"\\\\0\" x >> $GITHUB_STEP_SUMMARY'}]}}")
