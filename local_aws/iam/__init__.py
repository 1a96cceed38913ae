"""IAM: eventual consistency and trust always, everything else with `--iam`; `enforcement` lists what, and in which order."""
