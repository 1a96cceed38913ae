"""Nothing of `pg8000.legacy` and `pg8000.dbapi`, which are not here: `pg8000.native` is what the service uses."""
