"""Where the map of the page comes from: made once, committed, and held to its sources by a test."""
