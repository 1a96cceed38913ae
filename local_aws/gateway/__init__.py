"""What stands in front of every call: control endpoints, faults, quotas, the names of calls, and the trail behind them."""
