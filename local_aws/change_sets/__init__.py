"""Change sets: what may be created and executed when, and what each one says that it will do."""
