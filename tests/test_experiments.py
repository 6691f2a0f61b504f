"""Published settings, against references written out here."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vae_exp.build import _part, build_model
from vae_exp.types import Context, DataSpec


class TutorialVAE(nn.Module):
    """The VAE of PyTorch's examples (pytorch/examples, vae/main.py), line for line, but for logits in its loss."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21 = nn.Linear(400, 20)
        self.fc22 = nn.Linear(400, 20)
        self.fc3 = nn.Linear(20, 400)
        self.fc4 = nn.Linear(400, 784)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return self.fc4(h3)

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 784))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def tutorial_loss(logits, x, mu, logvar):
    """Summed over pixels, latents and batch, as there; the mean over the batch is taken by the caller."""
    bce = F.binary_cross_entropy_with_logits(logits, x.view(-1, 784), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


def copy_weights(model, reference):
    encoder = [layer for layer in model.encoder.layers if isinstance(layer, nn.Linear)]
    decoder = [layer for layer in model.decoder.layers if isinstance(layer, nn.Linear)]
    assert [tuple(layer.weight.shape) for layer in encoder] == [(400, 784), (40, 400)]
    assert [tuple(layer.weight.shape) for layer in decoder] == [(400, 20), (784, 400)]
    pairs = [(encoder[0], reference.fc1), (decoder[0], reference.fc3), (decoder[1], reference.fc4)]
    with torch.no_grad():
        for kind in ("weight", "bias"):
            for mine, theirs in pairs:
                getattr(mine, kind).copy_(getattr(theirs, kind))
            both = torch.cat((getattr(reference.fc21, kind), getattr(reference.fc22, kind)))
            getattr(encoder[1], kind).copy_(both)
    return encoder, decoder


@pytest.fixture
def tutorial(settings):
    return settings("experiment=tutorial", "data=mnist_5k", "model.latent_dim=20", *HIDDEN)


HIDDEN = ("model.encoder.hidden=[400]", "model.decoder.hidden=[400]")


def test_tutorial_is_the_pytorch_example_gradient_for_gradient(tutorial):
    model = build_model(tutorial, DataSpec((1, 28, 28), "levels", 5000)).double()
    loss, reference = _part(tutorial, "loss").double(), TutorialVAE().double()
    encoder, decoder = copy_weights(model, reference)
    x = torch.randint(0, 256, (16, 1, 28, 28)).double() / 255

    torch.manual_seed(11)
    mine = loss(model({"x": x}, loss.num_samples), {"x": x}, Context(5000, model)).loss
    mine.backward()
    torch.manual_seed(11)
    logits, mu, logvar = reference(x)
    theirs = tutorial_loss(logits, x, mu, logvar) / len(x)
    theirs.backward()

    torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=0)
    for kind in ("weight", "bias"):
        grad = {name: getattr(layer, kind).grad for name, layer in reference.named_children()}
        halves = torch.cat((grad["fc21"], grad["fc22"]))
        pairs = [(encoder[0], grad["fc1"]), (encoder[1], halves), (decoder[0], grad["fc3"]), (decoder[1], grad["fc4"])]
        for layer, by_reference in pairs:
            assert by_reference.abs().max() > 0
            torch.testing.assert_close(getattr(layer, kind).grad, by_reference, rtol=1e-9, atol=1e-12)


def test_tutorial_has_the_settings_of_the_pytorch_example(settings):
    from vae_exp.config.check import check
    from vae_exp.config.compose import compose

    chosen = check(compose("train", ["experiment=tutorial"]))
    assert chosen["model"]["latent_dim"] == 20
    assert chosen["model"]["encoder"]["hidden"] == chosen["model"]["decoder"]["hidden"] == [400]
    assert chosen["model"]["encoder"]["activation"] == chosen["model"]["decoder"]["activation"] == "ReLU"
    assert chosen["model"]["encoder"]["norm"] == chosen["model"]["decoder"]["norm"] == "none"
    assert chosen["data"]["batch_size"] == 128
    assert chosen["data"]["binarize"] == "none"
    assert chosen["optimizer"]["_target_"] == "torch.optim.Adam"
    assert chosen["optimizer"]["lr"] == 1e-3
    assert chosen["lr_schedule"]["_target_"] == "vae_exp.schedules.Constant"
    assert (chosen["loss"]["beta"], chosen["loss"]["free_bits"], chosen["loss"]["num_samples"]) == (1.0, 0.0, 1)


def test_tutorial_reports_its_loss_as_a_cross_entropy(tutorial):
    assert build_model(tutorial, DataSpec((1, 28, 28), "levels", 5000)).suffix == "_bce"
