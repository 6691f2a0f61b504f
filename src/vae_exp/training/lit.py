"""The one training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vae_exp.checkpoints import FORMAT
from vae_exp.data.order import Order
from vae_exp.data.splits import SplitName
from vae_exp.losses.base import Loss
from vae_exp.metrics.base import Stage, VAEMetric
from vae_exp.models.base import Model
from vae_exp.schedules import Progress, Schedule
from vae_exp.training import rng
from vae_exp.training.gradients import clip, norms_of
from vae_exp.training.guard import Guard
from vae_exp.training.lean import make_lean
from vae_exp.training.meter import Meter
from vae_exp.training.objective import Objective
from vae_exp.training.steps import Steps, Way
from vae_exp.types import Batch, Context, Count, Positive, Seed, StartsFromData

EVALUATION_SEED = 0
"""Every evaluation draws the same noise, so that two of the same weights agree and two epochs compare."""

START_EXAMPLES = 5000
"""Training examples that parts which begin at the data are shown."""

SCORES = ("nelbo", "distortion", "nll", "nll_ais", "nll_bound")
"""Figures that rest on log p(x|z), and bear the model's suffix where that is no log-likelihood."""


class LitVAE(pl.LightningModule):
    """Trains a model with a loss, and evaluates it with metrics.

    Args:
        model: What is trained.
        loss: What is minimised.
        optimizer: (parameter groups) -> optimizer.
        lr_schedule: Factor on the optimizer's learning rates.
        metrics: Figures of validation and test, by name.
        seed: Seed of the noise in training.
        max_skipped_steps: Skipped steps in a row that end the run.
        skip_above: Norm of the model's gradient above which a step is skipped, like one with a non-finite gradient.
        step: How a step is taken: eager, operation by operation; compiled, as one graph, which takes a while to make;
            auto, compiled where what is left of the run pays for it.
    """

    def __init__(
        self,
        *,
        model: Model,
        loss: Loss,
        optimizer: Callable[..., Optimizer],
        lr_schedule: Schedule,
        metrics: Mapping[str, VAEMetric],
        seed: Seed,
        max_skipped_steps: Count,
        skip_above: Positive | None,
        step: Way,
    ) -> None:
        super().__init__()
        self.model, self.loss, self.lr_schedule = model, loss, lr_schedule
        self.metrics = nn.ModuleDict(metrics)
        self.vectors: dict[str, Tensor] = {}  # figures that are not numbers, such as KL per dimension
        self.latest: dict[str, float] = {}  # the newest means of the training terms, for whoever draws them
        self._optimizer, self._seed = optimizer, seed
        objective = Objective(model=model, loss=loss, context=Context(model.spec.train_size, model))
        self._schedules = [m for m in objective.modules() if isinstance(m, Schedule)]
        self._guard, self._meter = Guard(max_skipped_steps=max_skipped_steps, skip_above=skip_above), Meter()
        self.steps = Steps(objective=objective, way=step, guard=self._guard)
        self._rng_outside: dict[str, Any] = {}
        self._rng_to_resume: list[dict[str, Any]] = []
        self._logged_step = 0
        self._total_steps = float("inf")

    @property
    def objective(self) -> str:
        """The figure that chooses checkpoints: the negative ELBO, or the distortion of a model without a rate."""
        return self.named("nelbo" if self.model.density else "distortion")

    def named(self, name: str) -> str:
        """The name of a figure, with the model's suffix where it is no log-likelihood."""
        return name + self.model.suffix if name in SCORES else name

    def loss_schedules(self) -> dict[str, tuple[float, float]]:
        """The factor of each schedule of the loss after the last step, and the one that it goes to, by its key."""
        now = Progress(self.trainer.global_step, float(self.trainer.current_epoch), self._total_steps)
        found = {name: part for name, part in self.loss.named_modules() if isinstance(part, Schedule)}
        return {f"loss.{name}": (part.at(now), part.rest(now.total_steps)) for name, part in found.items()}

    def setup(self, stage: str) -> None:
        if self.trainer.strategy.root_device.type == "cpu":  # elsewhere kernels and compilers choose the layout
            for weight in self.parameters():
                if weight.ndim == 4:  # of a convolution, which is faster so
                    weight.data = weight.data.to(memory_format=torch.channels_last)

    # Training

    def configure_optimizers(self) -> Optimizer:
        groups = [{"params": list(self.model.parameters())}, *self.loss.param_groups()]
        optimizer = self._optimizer(groups)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self._optimizer_settings = [
            {k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups
        ]
        return optimizer

    def on_fit_start(self) -> None:
        self._check_metrics()
        if not self._rng_to_resume:  # a run that goes on has begun long ago
            self._start_from_data()

    def on_train_start(self) -> None:
        if self._rng_to_resume and len(self._rng_to_resume) == self.trainer.world_size:
            rng.set_state(self._rng_to_resume[self.global_rank])
        else:  # weights are drawn alike in all processes, noise is not
            torch.manual_seed(self._seed + 1_000_003 * self.global_rank + self.trainer.global_step)
        self._rng_to_resume = []
        for group, settings in zip(self.trainer.optimizers[0].param_groups, self._optimizer_settings, strict=True):
            group.update(settings)  # a checkpoint brings those that it was trained with
        make_lean(self.trainer)
        self.steps.begin(self.trainer)
        self._meter.go_on()
        self._logged_step = self.trainer.global_step
        self._total_steps = self.trainer.estimated_stepping_batches

    def _check_metrics(self) -> None:
        """Refuse data that a metric cannot do with, before they are trained on and not after."""
        needy = [metric for metric in self.metrics.values() if isinstance(metric, VAEMetric) and metric.needs]
        if needy:
            batch: Batch = next(iter(self.trainer.datamodule.test_dataloader()))  # type: ignore[attr-defined]
            for metric in needy:
                metric.require(batch)

    def _start_from_data(self) -> None:
        """Let parts that begin at the data, such as pseudo-inputs, see some of them."""
        parts = [part for part in self.model.modules() if isinstance(part, StartsFromData)]
        if parts:
            with rng.isolated(self._seed):
                batch: Batch = self.trainer.datamodule.examples("train", START_EXAMPLES)  # type: ignore[attr-defined]
                for part in parts:
                    part.start_from_data(batch["x"].to(next(self.parameters())))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        trainer = self.trainer
        epoch = trainer.current_epoch + batch_idx / trainer.num_training_batches
        progress = Progress(trainer.global_step, epoch, self._total_steps)
        for schedule in self._schedules:
            schedule.advance(progress)
        factor = self.lr_schedule.at(progress)
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = group["initial_lr"] * factor

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, means = self.steps.take(batch, self._share(batch_idx))
        self._meter.add(means, len(batch["x"]))
        return loss

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        self.steps.backward(loss)

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Callable[[], Any] | None = None
    ) -> None:
        assert optimizer_closure is not None
        loss = optimizer_closure()
        if not self.steps.done:
            super().optimizer_step(epoch, batch_idx, optimizer, lambda: loss)
            self.steps.follow()

    def move(self, optimizer: Optimizer) -> None:
        """Clip the gradients and move the weights; the short way of `optimizer_step`."""
        trainer = self.trainer
        self.configure_gradient_clipping(optimizer, trainer.gradient_clip_val, trainer.gradient_clip_algorithm)
        self.steps.move()
        self.steps.follow()

    def _share(self, batch_idx: int) -> float:
        """What makes the mean of a step's gradients, over batches and processes, that over its examples."""
        trainer, together = self.trainer, self.trainer.accumulate_grad_batches
        if trainer.world_size == together == 1:
            return 1.0
        first = batch_idx - batch_idx % together
        step = range(first, min(first + together, int(trainer.num_training_batches)))
        order: Order = trainer.train_dataloader.sampler  # type: ignore[union-attr]
        return order.share(batch_idx, step) * trainer.world_size * together  # Lightning divides by `together` always

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        optimizer = self.trainer.optimizers[0]  # itself, not Lightning's wrapper
        grads = [[p.grad for p in group["params"] if p.grad is not None] for group in optimizer.param_groups]
        grads = [of_group for of_group in grads if of_group]
        norms = norms_of(grads)
        self.steps.norm = norms[0]  # the model's
        if self.trainer.precision != "16-mixed":  # whose scaler skips such steps itself
            self._guard.watch(optimizer, norms)
        clip(grads, norms, bound=gradient_clip_val, algorithm=gradient_clip_algorithm)  # type: ignore[arg-type]

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if every and self.trainer.global_step % every == 0:
            self._log_training()

    def on_train_epoch_end(self) -> None:
        self._log_training()

    def on_train_end(self) -> None:
        self._guard.refuse_standstill()

    def _log_training(self) -> None:
        step = self.trainer.global_step
        if step == self._logged_step:  # in the middle of accumulating gradients, or done a moment ago
            return
        self._logged_step = step
        means = self._meter.read()
        self.latest = {self.named(name): value for name, value in means.items()}
        extras = {
            **self.loss.weights(),
            "lr": self.trainer.optimizers[0].param_groups[0]["lr"],
            "grad_norm": self.steps.norm,
            "skipped_steps": self._guard.skipped(),
        }
        scalars = {f"train/{name}": float(value) for name, value in {**self.latest, **extras}.items()}
        for logger in self.loggers:
            logger.log_metrics(scalars, step=step)

    # Evaluation

    def on_validation_epoch_start(self) -> None:
        self._start_evaluation("val")

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, "val")

    def on_validation_epoch_end(self) -> None:
        self._end_evaluation("val")

    def on_test_epoch_start(self) -> None:
        self._start_evaluation("test")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, "test")

    def on_test_epoch_end(self) -> None:
        self._end_evaluation("test")

    def _start_evaluation(self, stage: Stage) -> None:
        self._meter.pause()
        self._rng_outside = rng.get_state()
        for metric in self.metrics_of(stage).values():
            # What a metric draws is the same in all processes, and no part of the noise of the batches.
            with torch.inference_mode(False), torch.no_grad(), rng.isolated(EVALUATION_SEED):
                metric.begin(stage, self.model, self.examples)
        torch.manual_seed(EVALUATION_SEED + self.global_rank)

    def examples(self, split: SplitName, n: int) -> Batch:
        """The first n prepared examples of a split, in the trainer's precision and on the model's device."""
        trainer = self.trainer
        batch: Batch = trainer.datamodule.examples(split, n)  # type: ignore[attr-defined]
        converted: Batch = trainer.precision_plugin.convert_input(trainer.strategy.batch_to_device(batch, self.device))
        return converted

    def _evaluate(self, batch: Batch, stage: str) -> None:
        out = self.model(batch)
        for metric in self.metrics_of(stage).values():
            metric.update(batch, out, self.model)

    def _end_evaluation(self, stage: str) -> None:
        scalars: dict[str, Tensor] = {}
        for metric in self.metrics_of(stage).values():
            for name, value in metric.compute().items():
                first, *rest = name.split("/")
                key = "/".join((stage, self.named(first), *rest))
                (self.vectors if value.ndim else scalars)[key] = value
            metric.reset()
        self.log_dict(scalars, sync_dist=self.trainer.world_size > 1)
        rng.set_state(self._rng_outside)
        self._meter.go_on()

    def metrics_of(self, stage: str) -> dict[str, VAEMetric]:
        """The metrics of validation, val, or of the test, by name."""
        return {name: m for name, m in self.metrics.items() if isinstance(m, VAEMetric) and stage in m.stages}

    # Checkpoints hold what does not follow from the config

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["vae_exp"] = {"format": FORMAT, "spec": asdict(self.model.spec), "rng": rng.gather_states()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._rng_to_resume = checkpoint["vae_exp"]["rng"]
