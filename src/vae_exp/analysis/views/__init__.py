"""Pictures of what a model has learned, one view a file: (subject) -> picture, or None where it does not apply."""
