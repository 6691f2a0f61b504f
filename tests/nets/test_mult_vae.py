"""The encoder of Mult-VAE beside what it is made of."""

import torch
import torch.nn.functional as F

from vae_exp.nets.mult_vae import MultVAEEncoder


def encoder(dropout):
    return MultVAEEncoder(
        (30,), (4,), hidden=[7], activation="Tanh", norm="none", init="glorot", dropout=dropout
    ).double()


def test_it_sees_the_direction_of_a_row():
    net = encoder(0.5).eval()
    x = torch.randint(0, 2, (5, 30)).double()
    first, _, second = net.layers[0], net.layers[1], net.layers[-1]
    by_hand = second(torch.tanh(first(x / x.square().sum(1, keepdim=True).sqrt())))
    torch.testing.assert_close(net(x), by_hand)
    torch.testing.assert_close(net(3 * x), net(x))
    assert torch.isfinite(net(torch.zeros(2, 30).double())).all()


def test_in_training_it_sees_a_part_of_a_row():
    net, x = encoder(0.25).train(), torch.ones(4000, 30).double()
    seen = []
    net.layers[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    assert not torch.equal(net(x)[0], net(x)[1])
    row = F.normalize(x[:1])[0, 0]
    assert abs((seen[0] == 0).double().mean() - 0.25) < 0.01
    torch.testing.assert_close(seen[0].max(), row / 0.75)
    torch.testing.assert_close(net.eval()(x)[0], net(x)[1])
