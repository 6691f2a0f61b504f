"""The objective of semi-supervised models of a class."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_exp.distributions.kl import distortion, kl, rate
from vae_exp.distributions.one_hots import OneHots
from vae_exp.losses.base import Loss, weight
from vae_exp.models.class_model import class_model
from vae_exp.schedules import Schedule
from vae_exp.types import Batch, Context, Count, LossOutput, NonNegative, VAEOutput


class M2(Loss):
    """Negative ELBO of labelled and of unlabelled examples, and the cross-entropy of the labels.

    loss = generative * mean over the batch of F + alpha * mean over its labelled examples of -log q(y|x)
    F = L(x, y) - log p(y)                                     with the label y
    F = sum_y q(y|x) L(x, y) + KL(q(y|x) || p(y))              without
    L(x, y) = E_q(z|x, y)[-log p(x|y, z)] + KL(q(z|x, y) || p(z))

    The sum over y is exact over the `num_classes_summed` most likely classes; of the others one is drawn, and stands
    for them with their whole probability. So the value is unbiased, and so is its gradient, by the likelihood ratio
    with L of the most likely class for a baseline; the more certain q(y|x), the less is left to chance.

    The gradient of F in the parameters of q(y|x) is multiplied by `schedule`. Early in a run F tells q(y|x) of classes
    that p(x|y, z) has not yet learned to tell apart, and it may settle for others than those of the labels; where the
    schedule begins at 0, p(x|y, z) first learns what the labels, and their network, call the classes.

    The paper's alpha = 0.1 N stands beside a sum over N examples, and a mean over the labels: on the scale of this mean
    that is 0.1. A labelled example is seen more than once an epoch, and counts each time in F.

    Args:
        alpha: Weight of the cross-entropy of the labels, dimensionless.
        generative: Weight of F; 0 trains the classifier on the labels alone.
        num_classes_summed: Classes that the sum over y takes exactly; null for all.
        schedule: Factor on the gradient of F in q(y|x) over the run.

    Source: Kingma et al., 2014, "Semi-supervised learning with deep generative models", eq. 6-9, arXiv:1406.5298; the
        sum with one draw: Liu et al., 2019, "Rao-Blackwellized stochastic gradients for discrete distributions",
        sec. 3, arXiv:1810.04777
    """

    needs = ("density", "classes")

    def __init__(
        self, *, alpha: NonNegative, generative: NonNegative, num_classes_summed: Count | None, schedule: Schedule
    ) -> None:
        super().__init__()
        self.alpha, self.generative, self.num_classes_summed = weight(alpha), weight(generative), num_classes_summed
        self.generates = generative > 0
        self.schedule = schedule

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        q, p, given = class_model(ctx.model, "loss=m2").by_class(batch)
        y = batch["y"] if "y" in batch else torch.full((len(batch["x"]),), -1, device=batch["x"].device)
        cross_entropy = _cross_entropy(q, y)
        if not self.generates:  # the rest would be computed for nothing
            return LossOutput(self.alpha * cross_entropy, {"cross_entropy": cross_entropy})
        fixed = q.logits.detach()
        q = OneHots(fixed + self.schedule.value * (q.logits - fixed), temperature=q.temperature)
        looked_at = some_classes(q, y, self.num_classes_summed)
        one_hot = F.one_hot(looked_at.y, q.logits.shape[-1]).to(q.logits)
        out = given(one_hot)
        lost, nats = distortion(out, batch), rate(out)  # [S, B], or [B] where no class has a part in it
        of_classes = torch.where(y >= 0, -p.log_prob(one_hot[0]), kl(q, p, one_hot))  # [B]
        terms = {
            "distortion": (looked_at.weight * lost).sum(0),
            "rate": (looked_at.weight * nats).sum(0) + of_classes,
            "cross_entropy": cross_entropy,
        }
        terms["nelbo"] = terms["distortion"] + terms["rate"]
        cost = (lost + nats).detach()
        chance = (looked_at.chance * (cost[-1] - cost[0])).mean()  # 0, with the gradient of the draw
        loss = self.generative * (terms["nelbo"].mean() + chance) + self.alpha * cross_entropy
        return LossOutput(loss, terms)


class Classes(NamedTuple):
    """The classes that a sum over q(y|x) looks at.

    Args:
        y: S classes of each example, the first the label or the most likely one; [S, B].
        weight: What each counts for, with its gradient; [S, B].
        chance: 0, with the gradient of the probability of what was drawn; [B].
    """

    y: Tensor
    weight: Tensor
    chance: Tensor


def some_classes(q: OneHots, y: Tensor, summed: int | None) -> Classes:
    """Choose the classes: of a labelled example its label, else the most likely ones and one of the others.

    Args:
        q: q(y|x), batch_shape [B].
        y: Labels, -1 = unlabelled; [B].
        summed: How many of the most likely are taken; None for all.
    """
    log_q, known = q.logits[:, 0], y >= 0  # [B, C]
    categories = log_q.shape[1]
    likely = log_q.topk(min(summed or categories, categories), dim=1).indices
    first = torch.where(known, y, likely[:, 0])
    if likely.shape[1] == categories:
        every = (first[:, None] + torch.arange(categories, device=y.device)) % categories  # [B, C]
        is_label = (every == y[:, None]).to(log_q)
        weight = torch.where(known[:, None], is_label, log_q.gather(1, every).exp())
        return Classes(every.T, weight.T, torch.zeros_like(log_q[:, 0]))
    others = log_q.scatter(1, likely, -torch.inf)
    log_rest = others.logsumexp(1)
    drawn = torch.multinomial(others.detach().softmax(1), 1)
    log_drawn = log_q.gather(1, drawn)[:, 0] - log_rest
    rest = log_rest.exp().masked_fill(known, 0)
    probable = log_q.gather(1, likely).exp()
    label_alone = F.one_hot(torch.zeros_like(y), likely.shape[1]).to(log_q)
    weight = torch.where(known[:, None], label_alone, probable)
    looked_at = torch.cat((first[:, None], likely[:, 1:], drawn), 1)
    chance = rest.detach() * (log_drawn - log_drawn.detach())
    return Classes(looked_at.T, torch.cat((weight, rest[:, None]), 1).T, chance)


def _cross_entropy(q: OneHots, y: Tensor) -> Tensor:
    """Mean of -log q(y|x) over the labelled examples, 0 where there are none; []."""
    known = y >= 0
    nats = -q.logits[:, 0].gather(1, y.clamp_min(0)[:, None])[:, 0]
    return (nats * known).sum() / known.sum().clamp_min(1)
