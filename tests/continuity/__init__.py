"""Clients call the API by its public name, through the edge, while the reconciler changes everything behind it."""
