"""Hydra takes sweepers from the package hydra_plugins alone."""
