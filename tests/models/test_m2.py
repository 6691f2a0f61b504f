"""M2 against closed forms: likelihood, bound, gradient of the drawn class; and what it does with classes."""

import pytest
import torch
from torch.distributions import Distribution

from vae_exp.analysis.likelihood import importance_nll
from vae_exp.build import build_loss, build_model
from vae_exp.distributions.kl import distortion, log_weights, rate
from vae_exp.errors import UserError
from vae_exp.losses import m2 as losses_m2
from vae_exp.schedules import Constant
from vae_exp.types import Context, DataSpec

from .labelled import CLASSES, SHAPE, exact_nll, linear_m2


def examples(n):
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_importance_sampled_nll_is_that_of_the_mixture():
    model, x = linear_m2().eval(), examples(3)
    found = importance_nll(model, {"x": x}, num_samples=100_000, rows=400_000)
    torch.testing.assert_close(found, exact_nll(model, x), atol=0.03, rtol=0)


def test_rate_and_distortion_are_the_bound_that_the_weights_estimate():
    model, x = linear_m2().eval(), examples(3)
    out = model({"x": x}, 100_000)
    bound = (distortion(out, {"x": x}) + rate(out)).mean(0)
    torch.testing.assert_close(bound, -log_weights(out, x).mean(0), atol=0.05, rtol=0)
    assert (bound > exact_nll(model, x)).all()


def by_hand(model, x, y=None):
    """F of each example, from its formula, of a model without noise in its styles; [B]."""
    costs = []
    for label in range(CLASSES):
        one_hot = torch.eye(CLASSES).double()[label].expand(len(x), -1)
        q = model.parts.encode(x, one_hot)
        kl = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log()).sum(1)
        costs.append(kl - model.parts.decode(q.mean, one_hot).log_prob(x))
    costs, log_q = torch.stack(costs, 1), model.parts.classifier(x).log_softmax(1)
    unlabelled = (log_q.exp() * (costs + log_q)).sum(1) + torch.tensor(CLASSES).log()
    if y is None:
        return unlabelled
    labelled = costs.gather(1, y.clamp_min(0)[:, None])[:, 0] + torch.tensor(CLASSES).log()
    return torch.where(y >= 0, labelled, unlabelled)


@pytest.fixture
def noiseless():
    model = linear_m2()
    with torch.no_grad():
        layer = model.parts.encoder.layers[-1]
        layer.weight[2:], layer.bias[2:] = 0, -40.0  # styles without noise, so that nothing but the class is drawn
    return model.train()


Y = torch.tensor([2, -1, 0, -1, -1])


PLAIN = {"alpha": 0.7, "generative": 1.0, "num_classes_summed": None, "schedule": Constant()}


def loss_of(model, batch, **settings):
    loss = losses_m2.M2(**PLAIN | settings)
    result = loss(model(batch, loss.num_samples), batch, Context(100, model))
    model.zero_grad()
    result.loss.backward()
    return result, torch.cat([p.grad.flatten() for p in model.parameters()])


def test_loss_is_the_papers_objective(noiseless):
    x = examples(5)
    result, gradient = loss_of(noiseless, {"x": x, "y": Y})
    log_q = noiseless.parts.classifier(x).log_softmax(1)
    cross_entropy = -(log_q[0, 2] + log_q[2, 0]) / 2
    expected = by_hand(noiseless, x, Y).mean() + 0.7 * cross_entropy
    torch.testing.assert_close(result.loss, expected)
    torch.testing.assert_close(result.terms["nelbo"], by_hand(noiseless, x, Y))
    torch.testing.assert_close(result.terms["cross_entropy"], cross_entropy)
    noiseless.zero_grad()
    expected.backward()
    by_autograd = torch.cat([p.grad.flatten() for p in noiseless.parameters()])
    torch.testing.assert_close(gradient, by_autograd)


@pytest.mark.parametrize("summed", [1, 2])
def test_the_expectation_over_the_drawn_class_is_the_exact_sum_and_gradient(noiseless, monkeypatch, summed):
    """One unlabelled example, and every class that can be drawn, weighted with its probability."""
    batch = {"x": examples(2)[1:], "y": Y[1:2]}
    exact, exact_gradient = loss_of(noiseless, batch)
    q = noiseless.parts.classifier(batch["x"]).softmax(1)[0].detach()
    rest = q.scatter(0, q.topk(summed).indices, 0)
    value, gradient = 0.0, torch.zeros_like(exact_gradient)
    for label, weight in enumerate(rest / rest.sum()):
        if weight > 0:
            monkeypatch.setattr(torch, "multinomial", lambda p, n, label=label: torch.tensor([[label]]))
            drawn, of_drawn = loss_of(noiseless, batch, num_classes_summed=summed)
            value, gradient = value + weight * drawn.loss.detach(), gradient + weight * of_drawn
    torch.testing.assert_close(value, exact.loss.detach())
    torch.testing.assert_close(gradient, exact_gradient)


def test_a_labelled_example_leaves_nothing_to_chance(noiseless):
    batch = {"x": examples(5)[[0, 2]], "y": Y[[0, 2]]}
    exact, gradient = loss_of(noiseless, batch)
    drawn, of_drawn = loss_of(noiseless, batch, num_classes_summed=1)
    torch.testing.assert_close(drawn.loss, exact.loss)
    torch.testing.assert_close(of_drawn, gradient)


def test_the_labels_alone_train_the_classifier_alone(noiseless):
    loss, batch = losses_m2.M2(**PLAIN | {"generative": 0.0}), {"x": examples(5), "y": Y}
    loss(noiseless(batch, loss.num_samples), batch, Context(100, noiseless)).loss.backward()
    touched = {name.split(".")[1] for name, p in noiseless.named_parameters() if p.grad is not None}
    assert touched == {"classifier"}


def test_the_schedule_weighs_what_the_bounds_tell_the_classifier(noiseless):
    batch, quarter = {"x": examples(5), "y": Y}, Constant()
    quarter.value.fill_(0.25)
    labels_alone = loss_of(noiseless, batch, schedule=Constant())[1] - loss_of(noiseless, batch, alpha=0.0)[1]
    whole, gradient = loss_of(noiseless, batch)
    found, found_gradient = loss_of(noiseless, batch, schedule=quarter)
    torch.testing.assert_close(found.loss, whole.loss)
    of_classifier = torch.cat(
        [torch.full_like(p, name.startswith("parts.classifier")).flatten() for name, p in noiseless.named_parameters()]
    ).bool()
    assert of_classifier.any()
    expected = torch.where(of_classifier, labels_alone + 0.25 * (gradient - labels_alone), gradient)
    torch.testing.assert_close(found_gradient, expected)


def test_figures_never_look_at_a_label():
    model, x = linear_m2().eval(), examples(5)
    torch.manual_seed(3)
    plain = model({"x": x}, 2)
    torch.manual_seed(3)
    told = model({"x": x, "y": Y}, 2)
    assert torch.equal(plain.p_x.mean, told.p_x.mean)


@pytest.fixture(params=["m2", "m1_m2"])
def model(request, settings):
    small = [f"model={request.param}", "model.classifier.hidden=[8]", "loss=m2"]
    small += ["model.m1.encoder.hidden=[8]", "model.m1.decoder.hidden=[8]"] if request.param == "m1_m2" else []
    return build_model(settings(*small), DataSpec((1, 8, 8), "binary", 100, 10))


def test_a_class_can_be_asked_for_and_styles_are_kept(model):
    model.eval()
    y = torch.full((4,), 3)
    assert model.sample(4, y).mean.shape == (4, 1, 8, 8)
    x = torch.rand(2, 1, 8, 8).round()
    every = model.as_classes({"x": x}, torch.arange(10)).mean
    assert every.shape == (10, 2, 1, 8, 8)
    own = model.classify({"x": x}).mode.argmax(-1)
    if hasattr(model, "m1"):
        return  # where the picture itself is decoded from its own features
    torch.testing.assert_close(every[own, torch.arange(2)], model.reconstruct({"x": x}).mean)
    with pytest.raises(UserError, match="unknown"):
        model.sample(4, -y)


def test_classes_are_relaxed_in_training_and_hard_in_evaluation(model):
    x = torch.rand(3, 1, 8, 8).round()
    relaxed = model.train()({"x": x}, 2).latents[0].z
    hard = model.eval()({"x": x}, 2).latents[0].z
    assert relaxed.requires_grad
    assert set(hard.unique().tolist()) == {0.0, 1.0}
    assert hard.shape == relaxed.shape == (2, 3, 10)


def test_a_scale_of_the_errors_under_all_classes_is_refused(settings):
    chosen = settings("model=m2", "loss=m2", "model/likelihood=optimal_sigma_gaussian", "data.binarize=none")
    with pytest.raises(UserError, match="under all classes"):
        build_loss(chosen, build_model(chosen, DataSpec((1, 8, 8), "unit_interval", 100, 10)))


def test_data_without_classes_are_refused(settings):
    with pytest.raises(UserError, match="labels of two classes"):
        build_model(settings("model=m2"), DataSpec((1, 8, 8), "binary", 100))


@pytest.fixture(autouse=True)
def unchecked():
    Distribution.set_default_validate_args(False)  # empty batches, and classes of no example
    yield
    Distribution.set_default_validate_args(True)
