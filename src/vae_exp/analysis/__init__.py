"""What can be asked of a model: pure functions."""
