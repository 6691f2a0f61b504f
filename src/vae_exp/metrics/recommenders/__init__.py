"""Recommenders that are computed and not trained, to compare with."""
