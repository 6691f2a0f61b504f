"""Figures over a data set, one a file."""
