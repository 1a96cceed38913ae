"""Route 53's health checks: what they observe, how, and the metrics of it."""
