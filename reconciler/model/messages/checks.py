"""Checks of the preflight, and what happens about drift."""

from __future__ import annotations

from reconciler.model.messages.entry import ERROR, INFO, WARNING, Row

# fmt: off
ENTRIES: tuple[Row, ...] = (
    (8001, "RegionNotEnabled", ERROR, "The account has not opted in to a Region, or cannot yet use it.",
     "Enable it in the account's settings; that takes minutes to hours."),
    (8002, "EngineNotOffered", ERROR, "The Region does not offer this version of the database, or no global databases with it.",
     "Choose another version or another Region."),
    (8003, "QuotaTooSmall", ERROR, "A quota leaves too little room for what is to be made.",
     "Ask for a higher one in Service Quotas, or remove what is not used."),
    (8004, "ConcurrencyLow", WARNING, "The functions of the account have little concurrency left.",
     "Ask for a higher quota before there is traffic."),
    (8005, "ZoneNotDelegated", ERROR, "The public DNS does not lead to the hosted zone, so no certificate would be issued.",
     "Enter the zone's name servers at the parent zone or registrar."),
    (8006, "CaaForbids", ERROR, "CAA records do not let Amazon issue a certificate.", 'Add `0 issue "amazon.com"` to them.'),
    (8007, "CertificateUnfit", ERROR, "The uploaded certificate is not issued, runs out, or does not cover the domain.",
     "Upload one that fits, in us-east-1, or leave `edge.certificateArn` out."),
    (8008, "RecordInTheWay", ERROR, "The domain leads somewhere else already.",
     "Cut over as the message says: nothing is overwritten."),
    (8009, "AliasTaken", ERROR, "Another distribution has the domain as its alias.", "Take the alias away there first."),
    (8101, "Heal", INFO, "Drift that the next converge puts back.", "Nothing, or commit the new value if it is meant to stay."),
    (8102, "Hold", WARNING,
     "Drift that is left alone, as an operator may mean it: a moved writer, a closed gate, a raised capacity.",
     "When the incident is over: take it back by hand, or commit it."),
    (8103, "Page", ERROR,
     "Drift that a person must look at: data, keys, delegation or somebody else's resources are concerned.",
     "Look now: `meridian drift` says what was found and why. Change nothing in data, keys or delegation before you have read it."),
)
