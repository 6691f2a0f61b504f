"""What codes [N, D] tell of ground-truth factors [N, F]: one score a file, a function and its metric.

The settings of the field, of Locatello et al., 2019, arXiv:1811.12359, are in the metrics' yaml files.
"""

from vae_exp.metrics.disentanglement.beta_vae_score import beta_vae_score
from vae_exp.metrics.disentanglement.dci import dci
from vae_exp.metrics.disentanglement.factor_vae_score import factor_vae_score
from vae_exp.metrics.disentanglement.irs import irs
from vae_exp.metrics.disentanglement.mig import mig
from vae_exp.metrics.disentanglement.modularity_explicitness import explicitness, modularity
from vae_exp.metrics.disentanglement.sap import sap
from vae_exp.metrics.disentanglement.unsupervised import (
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
