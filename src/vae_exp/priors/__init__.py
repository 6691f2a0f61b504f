"""Priors, one a file."""
