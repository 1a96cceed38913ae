"""GitHub, as a workflow of its Actions reaches it: event, files of the runner, REST API. Adapters, which decide nothing."""
