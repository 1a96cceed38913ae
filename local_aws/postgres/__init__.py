"""A real PostgreSQL behind each Aurora cluster: functions that dial an endpoint of their own Region reach one.

`records` reads what ministack keeps, `estate` is that as values, `moves` decides what has to run, `fleet` and `server` run it.
`listener` takes connections: `admission`, `authentication`, `tokens`, then a session (`sessions`), at a secondary with write
forwarding (`forwarding`, `extended`, `statements`). `dialling` is what functions have of it; `service` and `setup` put it all
together.
"""
