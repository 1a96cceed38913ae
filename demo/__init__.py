"""The demo that `make demo` runs: one API from nothing to four Regions, driven by commits and watched from outside."""
