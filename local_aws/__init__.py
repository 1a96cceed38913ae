"""The embedded AWS behind `meridian local`: ministack plus our extension, in a process of its own."""
