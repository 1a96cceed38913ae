"""Frozen nouns that every stage shares; no input or output, no clock, no decisions that belong to a stage."""
