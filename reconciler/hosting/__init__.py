"""The composition root of the control plane's functions, a module each, so that none loads what only another needs."""
