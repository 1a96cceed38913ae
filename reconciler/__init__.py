"""Meridian: converges a multi-region API on AWS on what one YAML file in Git declares."""
