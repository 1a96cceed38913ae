"""Outcome to what people and programs read: conditions, the status document, plans, drift reports."""

from reconciler.report.status import status_document

__all__ = ["status_document"]
