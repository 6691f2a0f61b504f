"""One bound for the encoder and a tighter one for the decoder."""

from __future__ import annotations

from torch import Tensor

from vae_exp.distributions.kl import distortion, rate
from vae_exp.losses.miwae import MIWAE
from vae_exp.losses.multi_sample import log_mean_exp
from vae_exp.types import Batch, Context, LossOutput, VAEOutput


class PIWAE(MIWAE):
    """The encoder is trained by `miwae`, with M bounds of K samples; decoder and prior by `iwae` with all M K samples.

    loss = -log (1/MK) sum_mk w_mk, whose gradient is taken of decoder and prior; the encoder's is that of
        -(1/M) sum_m log (1/K) sum_k w_mk

    It decodes every latent twice.

    Args:
        num_groups: Bounds M that are averaged for the encoder.
        samples_per_group: Importance samples K of each of them.

    Source: Rainforth et al., 2018, "Tighter variational bounds are not necessarily better",
        arXiv:1802.04537
    """

    needs = ("one_group", "density", "sample_density")

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        nats = distortion(out, batch)
        log_w, held = self.log_weights(out, nats), self._with_latents_held(out, batch, ctx)
        bound = -log_mean_exp(held)
        # The difference is 0. Where z is held the encoder has no gradient and decoder and prior have the same one, so
        # that of the difference only the encoder's is left.
        encoders = self.bound(log_w) - self.bound(held)
        terms = {"distortion": nats, "rate": rate(out), "nll_bound": bound}
        return LossOutput((bound + encoders).mean(), terms)

    def _with_latents_held(self, out: VAEOutput, batch: Batch, ctx: Context) -> Tensor:
        """Log weights of the same latents with a gradient of decoder and prior alone, [K M, B]."""
        ((q, p, z),) = out.latents
        held = z.detach()
        p_x = ctx.model.decode(held, batch.get("y"))  # type: ignore[operator]
        # Some flows know q(z|x) of the very tensor that they drew, hence of z and not of its copy.
        return -distortion(out._replace(p_x=p_x), batch) + p.log_prob(held) - q.log_prob(z).detach()
