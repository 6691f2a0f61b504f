"""Encoders and decoders, tensor to tensor."""
