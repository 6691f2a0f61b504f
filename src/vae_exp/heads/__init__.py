"""Network outputs become distributions."""
