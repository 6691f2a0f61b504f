"""Densities of latents that are fitted after training, to sample from in the place of the prior."""
