"""Heads for q(z|x), one a file."""
