"""Functions as they run: their processes, what invokes them (queues, events), and what kills them."""
