"""What keeps the decoder of a deterministic autoencoder smooth, one a file."""
