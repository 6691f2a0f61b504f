"""The disentanglement scores as functions of codes [N, D] and ground-truth factors [N, F], for use without a run.

    from vae_exp.metrics.disentanglement import mig

    mig(codes, factors, num_points=10_000, bins=20, seed=0)

The settings of the field, of Locatello et al., 2019, arXiv:1811.12359, are in the metrics' yaml files.
"""

from vae_exp.metrics.codes.beta_vae_score import beta_vae_score
from vae_exp.metrics.codes.dci import dci
from vae_exp.metrics.codes.factor_vae_score import factor_vae_score
from vae_exp.metrics.codes.irs import irs
from vae_exp.metrics.codes.mig import mig
from vae_exp.metrics.codes.modularity_explicitness import explicitness, modularity
from vae_exp.metrics.codes.sap import sap
from vae_exp.metrics.codes.unsupervised import (
    code_mutual_information,
    gaussian_total_correlation,
    gaussian_wasserstein,
)

__all__ = [
    "beta_vae_score",
    "code_mutual_information",
    "dci",
    "explicitness",
    "factor_vae_score",
    "gaussian_total_correlation",
    "gaussian_wasserstein",
    "irs",
    "mig",
    "modularity",
    "sap",
]
