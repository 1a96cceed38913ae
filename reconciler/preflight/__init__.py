"""What can be known before a plan runs: will AWS take it, what will it cost, what does it mean for data and downtime.

A stage like the others: facts in, checks out; it reads nothing itself.
"""
