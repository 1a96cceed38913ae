"""The catalogue of drift as tests: what a hand does through plain AWS calls, what is found of it, and what becomes of it."""
