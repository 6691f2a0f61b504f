"""How alike two pictures are, one a file."""
