"""Hydra takes launchers from the package hydra_plugins alone."""
