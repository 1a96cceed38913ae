"""Corrections of ministack, one module per AWS service: live values, wire format and states in between."""
