"""What the functions' log tells that is neither an error nor a result."""

from __future__ import annotations

from reconciler.model.messages.entry import ERROR, INFO, WARNING, Row

# fmt: off
ENTRIES: tuple[Row, ...] = (
    (9001, "CallsCounted", INFO, "How many calls the pass made to one service of AWS.", "Nothing."),
    (9002, "Woken", INFO, "An event woke the topologies that are named.", "Nothing."),
    (9003, "NobodyConcerned", INFO, "An event concerned no topology.", "Nothing."),
    (9004, "TemplatesMade", INFO, "Synth stored the templates that it was asked for.", "Nothing."),
    (9005, "Withdrawn", INFO, "A message asked for a topology without a bundle: it was destroyed while the message waited.",
     "Nothing."),
    (9006, "Malformed", ERROR, "A message that nobody of ours wrote. It comes again, then lies among the dead letters.",
     "Read it in queue meridian-reconcile-dead, then delete it; CloudTrail and the queue's policy say who may have sent it."),
    (9007, "RecordLost", WARNING, "A pass is done, and its record could not be kept.",
     "Look at the right to put objects below runs/ of the revision bucket."),
    (9008, "Untold", WARNING, "A pass is done; a notice of it, or its page, could not be published yet.",
     "The next pass tries again. `told` has the reason; if it is AccessDenied, `meridian bootstrap` renews topic and rights."),
)
