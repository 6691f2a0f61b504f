"""The von Mises-Fisher distribution on a sphere of any dimension, with exact gradients of its samples."""

from __future__ import annotations

import math
from typing import Any

import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor
from torch.distributions import Beta, Distribution, constraints
from torch.distributions.kl import register_kl

from vae_exp.distributions.center import center
from vae_exp.distributions.uniform_sphere import UniformSphere, log_area

NODES = 64
WIDTHS = 12.0
"""The integrals run to this many standard deviations on each side of the mode, with this many nodes."""

SHARES, WEIGHTS = ((0.5 * side + shift).tolist() for side, shift in zip(leggauss(NODES), (0.5, 0.0), strict=True))
"""Nodes of Gauss and Legendre as shares of an interval, and their weights."""

TRIES = 20
"""Proposals for a sample, of which at least 0.66 are accepted: all fail with a probability below 1e-9."""


class VonMisesFisher(Distribution):
    """q(z) = C(kappa) exp(kappa mu'z) on the unit sphere of R^D, D >= 2.

    All that is asked of it depends on the angle t between z and mu, whose density is exp(kappa cos t) sin(t)^(D-2) / Z.
    Z and its moments are integrals over t, by Gauss-Legendre nodes around the mode: exact to rounding, differentiable,
    and without the Bessel functions of high order that torch lacks and that underflow where D is large.

    Samples: cos t by Wood's rejection, and the same z turned from the first axis to mu by a reflection. Their gradient
    has no correction for the rejection to add: dt/dkappa is that of the inverse distribution function at the t drawn,
    -(dF/dkappa) / (dF/dt), an integral over t again (implicit reparameterisation).

    Args:
        mu: Mean direction, of length 1, [..., D].
        kappa: Concentration, > 0, [...].

    Source: Davidson et al., 2018, "Hyperspherical variational auto-encoders", alg. 1 and app. A, arXiv:1804.00891;
        rejection: Wood, 1994, "Simulation of the von Mises Fisher distribution"; gradient: Figurnov et al., 2018,
        "Implicit reparameterization gradients", eq. 6, arXiv:1805.08498
    """

    arg_constraints = {  # noqa: RUF012 - torch's own interface
        "mu": constraints.real_vector,
        "kappa": constraints.positive,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, mu: Tensor, kappa: Tensor, *, validate_args: bool | None = None) -> None:
        self.mu, self.kappa, self.dim = mu, kappa, mu.shape[-1]
        self._nodes, self._weights = mu.new_tensor(SHARES), mu.new_tensor(WEIGHTS)
        with torch.no_grad():
            self._low, self._high = self._window()
        super().__init__(kappa.shape, mu.shape[-1:], validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density with respect to the area of the sphere, nats."""
        if self._validate_args:
            self._validate_sample(value)
        return self.kappa * ((self.mu * value).sum(-1) - 1) - self._integrals()[0] - log_area(self.dim - 1)

    @property
    def mean(self) -> Tensor:
        """Mean in R^D, inside the sphere."""
        return (1 - self._integrals()[1])[..., None] * self.mu

    @property
    def mode(self) -> Tensor:
        return self.mu

    def entropy(self) -> Tensor:
        """Differential entropy with respect to the area of the sphere, nats."""
        log_z, short = self._integrals()
        return self.kappa * short + log_z + log_area(self.dim - 1)

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw, with the gradient of mu and of kappa."""
        shape = self._extended_shape(torch.Size(sample_shape))
        with torch.no_grad():
            angle = self._draw_angle(shape[:-1])
            around = torch.randn((*shape[:-1], self.dim - 1), dtype=self.mu.dtype, device=self.mu.device)
            around = around / around.norm(dim=-1, keepdim=True)
        if torch.is_grad_enabled():
            angle = angle + self._slope(angle).detach() * (self.kappa - self.kappa.detach())
        angle = angle[..., None]
        upright = torch.cat((angle.cos(), angle.sin() * around), dim=-1)
        # The reflection that takes the first axis to mu or -mu, whichever is farther from a division by zero.
        sign = torch.where(self.mu[..., :1] >= 0, 1.0, -1.0).to(self.mu.dtype)
        normal = torch.cat((self.mu[..., :1] + sign, self.mu[..., 1:]), dim=-1)
        along = (normal * upright).sum(-1, keepdim=True) / normal.square().sum(-1, keepdim=True)
        return -sign * (upright - 2 * along * normal)

    def _window(self) -> tuple[Tensor, Tensor]:
        """Angles between which all but e^-50 of the mass lies: [...]."""
        free = self.dim - 2
        steep = 0.5 * (free + torch.sqrt(free**2 + 4 * self.kappa**2))
        cos_mode = (self.kappa / steep).clamp(max=1)
        mode = torch.acos(cos_mode)
        reach = WIDTHS * torch.rsqrt(torch.maximum(steep, torch.ones_like(steep)))
        return (mode - reach).clamp_min(0), (mode + reach).clamp_max(math.pi)

    def _log_density(self, angle: Tensor, kappa: Tensor) -> Tensor:
        """Log of exp(kappa (cos t - 1)) sin(t)^(D-2), without the cancellation in cos t - 1."""
        turned = -2 * kappa * torch.sin(0.5 * angle).square()
        return turned if self.dim == 2 else turned + (self.dim - 2) * torch.log(torch.sin(angle))

    def _integrals(self) -> tuple[Tensor, Tensor]:
        """Log of Z exp(-kappa), and E[1 - cos t], both differentiable in kappa: [...]."""
        width = (self._high - self._low)[..., None]
        angle = self._low[..., None] + width * self._nodes
        log_mass = self._log_density(angle, self.kappa[..., None]) + torch.log(width * self._weights)
        short = (torch.softmax(log_mass, -1) * 2 * torch.sin(0.5 * angle).square()).sum(-1)
        return torch.logsumexp(log_mass, -1), short

    def _draw_angle(self, shape: tuple[int, ...]) -> Tensor:
        m, kappa = self.dim - 1, self.kappa
        root = torch.sqrt(4 * kappa**2 + m**2)
        b = m / (2 * kappa + root)
        a = 0.25 * (m + 2 * kappa + root)
        d = 4 * a * b / (1 + b) - m * math.log(m)
        half = torch.full_like(kappa, 0.5 * m)
        share = Beta(half, half, validate_args=False).sample(torch.Size((TRIES, *shape[: len(shape) - kappa.ndim])))
        below = 1 - (1 - b) * share
        t = 2 * a * b / below
        accepted = m * torch.log(t) - t + d >= torch.log(torch.rand_like(t))
        first = accepted.to(torch.int8).argmax(0, keepdim=True)
        share, below = share.gather(0, first)[0], below.gather(0, first)[0]
        # 1 - cos t = 2 b share / below and 1 + cos t = 2 (1 - share) / below, from which t keeps its digits near 0.
        angle: Tensor = 2 * torch.atan2(torch.sqrt(b * share), torch.sqrt(1 - share))
        tiny = torch.finfo(angle.dtype).eps
        return angle.clamp(tiny, math.pi - tiny)

    def _slope(self, angle: Tensor) -> Tensor:
        """dt/dkappa at a fixed quantile: int_t^end (cos s - E cos) f(s) ds / f(t), to the end beyond t."""
        short = self._integrals()[1]
        past = 2 * torch.sin(0.5 * angle).square() > short
        end = torch.where(past, torch.maximum(self._high, angle), torch.minimum(self._low, angle))
        way = (end - angle)[..., None]
        s = angle[..., None] + way * self._nodes
        kappa = self.kappa[..., None]
        ratio = torch.exp(self._log_density(s, kappa) - self._log_density(angle[..., None], kappa))
        above_mean = short[..., None] - 2 * torch.sin(0.5 * s).square()
        return (way * self._weights * above_mean * ratio).sum(-1)


@register_kl(VonMisesFisher, UniformSphere)  # type: ignore[untyped-decorator]
def _kl_von_mises_fisher_uniform(q: VonMisesFisher, p: UniformSphere) -> Tensor:
    """log(area) - entropy of q; nats."""
    return log_area(p.dim) - q.entropy()


@center.register(VonMisesFisher)
def _(q: Any) -> Tensor:
    """The mean direction: the mean itself is not on the sphere, where the decoder has never been."""
    direction: Tensor = q.mode
    return direction
