"""Laws of all networks, over random shapes."""

import math
import random

import pytest
import torch
from torch import nn

from vae_exp.nets.burgess import BurgessDecoder, BurgessEncoder
from vae_exp.nets.conv import ConvDecoder, ConvEncoder
from vae_exp.nets.gated_mlp import GatedMLP
from vae_exp.nets.linear import Linear
from vae_exp.nets.mlp import MLP
from vae_exp.nets.resnet import ResNetDecoder, ResNetEncoder, group_norm

MLP_ = {"hidden": [7, 6], "activation": "Tanh", "norm": "none"}
CONV = {"channels": [4, 6], "hidden": 8, "activation": "SiLU", "norm": "none"}
RESNET = {"channels": [4, 8, 6], "depths": [1, 0, 2], "groups": 8, "activation": "SiLU"}
ENCODERS = {
    "mlp": (MLP, MLP_),
    "linear": (Linear, {}),
    "gated_mlp": (GatedMLP, {"hidden": [7, 6]}),
    "conv": (ConvEncoder, CONV),
    "burgess": (BurgessEncoder, {"hidden": 8}),
    "resnet": (ResNetEncoder, RESNET | {"down": "pool"}),
    "strided_resnet": (ResNetEncoder, RESNET | {"down": "stride"}),
}
DECODERS = {
    "mlp": (MLP, MLP_),
    "linear": (Linear, {}),
    "gated_mlp": (GatedMLP, {"hidden": [7, 6]}),
    "conv": (ConvDecoder, CONV),
    "burgess": (BurgessDecoder, {"hidden": 8}),
    "resnet": (ResNetDecoder, RESNET),
}
NETS = [("encoder", name) for name in ENCODERS] + [("decoder", name) for name in DECODERS]
by_net = pytest.mark.parametrize(("role", "name"), NETS, ids=[f"{role}={name}" for role, name in NETS])


def made(role, name, picture, flat, **more):
    """A network between pictures and vectors; its input and output shapes."""
    net, settings = {"encoder": ENCODERS, "decoder": DECODERS}[role][name]
    shapes = (picture, flat) if role == "encoder" else (flat, picture)
    return net(*shapes, **settings | {"init": "torch"} | more), *shapes


def pictures(name, many=4):
    """Shapes of pictures that the network takes."""
    if name == "burgess":
        return [(1, 32, 32), (3, 64, 64)]
    dice = random.Random(name)
    return [(dice.choice([1, 2, 3]), dice.randint(4, 23), dice.randint(4, 23)) for _ in range(many)] + [(1, 7, 9)]


@by_net
@pytest.mark.parametrize("context_dim", [0, 3])
def test_output_has_its_shape_whatever_the_picture(role, name, context_dim):
    for picture in pictures(name):
        net, in_shape, out_shape = made(role, name, picture, (5,), context_dim=context_dim)
        x, c = torch.rand(3, *in_shape), torch.rand(3, context_dim) if context_dim else None
        out = net(x, c)
        assert out.shape == (3, *out_shape)
        torch.testing.assert_close(out[1:], net(x[1:], None if c is None else c[1:]))  # examples do not mix


@by_net
@pytest.mark.parametrize("init", ["torch", "glorot", "he"])
def test_every_parameter_gets_a_gradient_and_every_init_trains(role, name, init):
    net, in_shape, out_shape = made(role, name, pictures(name)[0], (5,), context_dim=2, init=init)
    before = net(torch.rand(4, *in_shape), torch.rand(4, 2))
    (before - torch.rand(4, *out_shape)).square().sum().backward()
    for weight_name, weight in net.named_parameters():
        assert torch.isfinite(weight.grad).all(), weight_name
        assert weight.grad.abs().max() > 0, weight_name


@by_net
@pytest.mark.parametrize("init", ["glorot", "he"])
def test_init_reaches_every_layer(role, name, init):
    net = made(role, name, pictures(name)[0], (5,), init=init)[0]
    layers = [m for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]
    assert layers
    assert all(not layer.bias.any() and layer.weight.any() for layer in layers)


@by_net
def test_a_context_changes_the_output(role, name):
    net, in_shape, _ = made(role, name, pictures(name)[0], (5,), context_dim=2)
    x, c = torch.rand(4, *in_shape), torch.rand(4, 2)
    assert (net(x, c) - net(x, c + 1)).flatten(1).abs().amax(1).min() > 0


@by_net
def test_it_compiles_to_one_graph(role, name):
    torch._dynamo.reset()
    net, in_shape, _ = made(role, name, pictures(name)[-1], (5,))
    x = torch.rand(2, *in_shape)
    torch.testing.assert_close(torch.compile(net, fullgraph=True, backend="eager")(x), net(x))


@pytest.mark.parametrize("net", [ResNetEncoder, ResNetDecoder])
def test_resnet_refuses_pictures_that_cannot_be_halved_so_often(net):
    down = {"down": "pool"} if net is ResNetEncoder else {}

    def shaped(picture, **more):
        shapes = (picture, (5,)) if net is ResNetEncoder else ((5,), picture)
        return net(*shapes, **RESNET | down | {"init": "torch"} | more)

    with pytest.raises(ValueError, match="pictures of 3x9 cannot be halved 2 times; use at most 2, one for each size"):
        shaped((1, 3, 9))
    shaped((1, 3, 9), channels=[4, 4], depths=[1, 1])  # as the message says
    shaped((1, 1, 1), channels=[4], depths=[1])
    with pytest.raises(ValueError, match="one entry for each resolution"):
        shaped((1, 8, 8), depths=[1, 1])
    with pytest.raises(ValueError, match="needs pictures"):
        shaped((12,))


@pytest.mark.parametrize("picture", [(1, 28, 28), (3, 128, 128), (1, 32, 64), (12,)])
def test_burgess_refuses_other_sizes(picture):
    for net, shapes in ((BurgessEncoder, (picture, (5,))), (BurgessDecoder, ((5,), picture))):
        with pytest.raises(ValueError, match="for pictures of 32x32 or 64x64"):
            net(*shapes, hidden=256, init="torch")


@pytest.mark.parametrize("channels", [1, 3])
def test_burgess_is_the_network_of_the_literature(channels):
    """Weights and biases layer by layer, from the table of Kim & Mnih with a hidden layer of 256 and ten latents."""
    encoder = BurgessEncoder((channels, 64, 64), (20,), hidden=256, init="torch")
    convolutions = [channels * 32 * 16 + 32, 32 * 32 * 16 + 32, 32 * 64 * 16 + 64, 64 * 64 * 16 + 64]
    assert sum(p.numel() for p in encoder.parameters()) == sum(convolutions) + 1024 * 256 + 256 + 256 * 20 + 20
    decoder = BurgessDecoder((10,), (channels, 64, 64), hidden=256, init="torch")
    upward = [64 * 64 * 16 + 64, 64 * 32 * 16 + 32, 32 * 32 * 16 + 32, 32 * channels * 16 + channels]
    assert sum(p.numel() for p in decoder.parameters()) == 10 * 256 + 256 + 256 * 1024 + 1024 + sum(upward)


def test_burgess_has_one_convolution_fewer_at_32():
    encoder = BurgessEncoder((3, 32, 32), (20,), hidden=256, init="torch")
    decoder = BurgessDecoder((10,), (3, 32, 32), hidden=256, init="torch")
    down = [tuple(m.weight.shape) for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    up = [tuple(m.weight.shape) for m in decoder.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert down == [(32, 3, 4, 4), (32, 32, 4, 4), (64, 32, 4, 4)] == up[::-1]
    assert encoder.head[0].in_features == 64 * 4 * 4  # as at 64


def test_gated_layers_by_hand():
    net, x = GatedMLP((2, 3), (4,), hidden=[5, 7], init="he").double(), torch.randn(9, 2, 3).double()
    h = x.flatten(1)
    for layer in net.layers[:2]:
        gate = 1 / (1 + torch.exp(-(h @ layer.gate.weight.T + layer.gate.bias)))
        h = (h @ layer.value.weight.T + layer.value.bias) * gate
    torch.testing.assert_close(net(x), h @ net.layers[-1].weight.T + net.layers[-1].bias)


def test_linear_is_a_matrix_and_a_vector():
    net, x, c = Linear((2, 3), (4, 2), context_dim=2, init="torch"), torch.randn(9, 2, 3), torch.randn(9, 2)
    by_hand = torch.cat((x.flatten(1), c), 1) @ net.layer.weight.T + net.layer.bias
    torch.testing.assert_close(net(x, c), by_hand.reshape(9, 4, 2))


def test_residual_blocks_are_the_identity_where_their_last_convolution_is_zero():
    net = ResNetEncoder((4, 6, 6), (5,), channels=[4], depths=[2], down="pool", groups=2, activation="ReLU", init="he")
    stem, first, second, *_ = net.layers
    for block in (first, second):
        nn.init.zeros_(block.layers[-1].weight)
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(second(first(stem(x))), stem(x))


def test_resnet_halves_and_doubles_as_told():
    for down in ("pool", "stride"):
        net = ResNetEncoder((1, 13, 22), (5,), **RESNET | {"down": down, "init": "torch"})
        assert net.layers(torch.rand(1, 1, 13, 22)).shape[1:] == (6, 3, 5)
    net = ResNetDecoder((5,), (1, 13, 22), **RESNET | {"init": "torch"})
    sizes = []
    for module in net.layers:
        module.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[2:])))
    net(torch.rand(1, 5))
    assert list(dict.fromkeys(size for size in sizes if size)) == [(3, 5), (6, 11), (13, 22)]


def test_groups_divide_the_channels_and_hold_several():
    for channels in range(1, 70):
        norm = group_norm(channels, 8)
        assert channels % norm.num_groups == 0
        assert norm.num_groups == 1 or channels // norm.num_groups >= 4
    assert [group_norm(c, 8).num_groups for c in (4, 6, 12, 32, 64)] == [1, 1, 3, 8, 8]
    assert math.isfinite(group_norm(8, 8)(torch.rand(1, 8, 1, 1)).sum().item())
