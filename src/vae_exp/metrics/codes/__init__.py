"""Scores of the codes of a whole set, one a file: a function of codes and factors, and its metric."""
