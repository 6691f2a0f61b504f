"""Data sets, how they are cut, in which order they are served, and what is done to a batch on its device."""
