"""Heads for p(x|z), one a file."""
