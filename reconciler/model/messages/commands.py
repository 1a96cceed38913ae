"""What the command line and its work on GitHub tell."""

from __future__ import annotations

from reconciler.model.messages.entry import ERROR, WARNING, Row

# fmt: off
ENTRIES: tuple[Row, ...] = (
    (6001, "UsageError", ERROR, "The command was called in a way that it does not understand. Exit code 64.",
     "Run it with --help."),
    (6002, "FileError", ERROR, "A file cannot be read or written.", "Correct its name, its rights or the room on the disk."),
    (6003, "Stopped", WARNING, "The command was interrupted or ran out of time. Nothing is lost.",
     "Run the same command again: it goes on."),
    (6004, "NotDone", ERROR, "The command could not do what it was asked.",
     "Read the message: it names the reason and the way out."),
    (6005, "NothingRead", ERROR, "No topology could be looked at.", "Read the reasons on stderr."),
    (6006, "NotRecorded", WARNING, "Nothing is recorded of this topology: no pass got that far.",
     "Correct the name or the home Region; or converge it once."),
    (6007, "PlanMoved", WARNING, "The plan is no longer the one that somebody read.",
     "Read the new one with `meridian plan --out FILE`, and use that."),
    (6008, "HealingOff", WARNING, "The document wants drift reported only, `drift.mode: report`.",
     "Set it to heal, or undo by hand what was changed."),
    (6009, "MoreThanDrift", WARNING, "There is more to change than drift.", "Use `meridian converge`, which does all of it."),
    (6010, "WholeSuspended", WARNING, "The whole topology is suspended, so no Region can go on alone.",
     "Resume it without --region, then suspend the other Regions."),
    (6011, "HomeRegionsDiffer", ERROR, "The documents name different accounts or home Regions.",
     "Name a PATH whose documents agree."),
    (6012, "StackUnread", ERROR, "A stack of the control plane cannot be read, and is not taken for absent.",
     "Run the command again; look at the right cloudformation:DescribeStacks."),
    (6013, "KeyUnusable", ERROR, "The key that encrypts the revision bucket is disabled or is being deleted.",
     "At once: `aws kms cancel-key-deletion --key-id KEY`, then `aws kms enable-key --key-id KEY`. Nothing can be read meanwhile."),
    (6101, "NotInWorkflow", ERROR, "A variable or file of GitHub Actions is missing.",
     "Run the command in a workflow, or pass what it names."),
    (6102, "SummaryTooLarge", WARNING, "The step's summary would be larger than GitHub takes.",
     "Nothing: the plan is in the job's log."),
    (6103, "GitHubRefused", ERROR, "GitHub refuses the request for good.", "Read its words in the message."),
    (6104, "GitHubUnavailable", WARNING, "GitHub is down, out of reach, or asks to slow down.", "Run the job again later."),
    (6105, "BadToken", ERROR, "GitHub does not know the token.", "Pass ${{ github.token }} as GITHUB_TOKEN."),
    (6106, "PermissionMissing", ERROR, "The job's token may not do this.",
     "Add the permission that is named to the job's `permissions:`."),
    (6107, "IssuesOff", ERROR, "Issues are turned off in the repository.", "Turn them on in its settings."),
    (6108, "NotUploaded", ERROR, "The bucket holds no bundle of this commit.",
     "Run `meridian bundle --upload` first; look at the step before."),
)
