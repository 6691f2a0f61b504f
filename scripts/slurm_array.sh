#!/usr/bin/env bash
# A sweep as a plain SLURM array, without a process that waits: scripts/slurm_array.sh [what follows `vae-exp train -m`].
#
# The runs, their folders, locks and plan are those of `vae-exp train -m cluster=slurm`, which this is, without the
# waiting: `vae-exp status DIR` tells how far they are, and the same command again submits what is missing.
exec "${VAE_EXP:-vae-exp}" train -m "$@" cluster=slurm hydra.launcher.wait=false
