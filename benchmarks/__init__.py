"""Benchmarks: `meridian` beside the tool that a user would pick instead, on the same embedded AWS. `make bench` runs them."""
