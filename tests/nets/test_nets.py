"""Networks map any shape to any other, and normalise as their options say."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vae_exp.nets.conv import ConvDecoder, ConvEncoder, halvings
from vae_exp.nets.layers import norm
from vae_exp.nets.mlp import MLP
from vae_exp.nets.pictures import ConvTranspose2d, Picture, row_of

CONV = {"channels": [4, 6], "hidden": 8, "activation": "ReLU", "norm": "none", "init": "torch"}


def mlp(in_shape=(2, 3, 4), out_shape=(5, 2), **settings):
    return MLP(
        in_shape, out_shape, **{"hidden": [7, 6], "activation": "Tanh", "norm": "none", "init": "torch"} | settings
    )


def test_mlp_is_matrices_and_activations():
    net, x = mlp().double(), torch.randn(9, 2, 3, 4).double()
    first, second, last = (layer for layer in net.layers if isinstance(layer, nn.Linear))
    h = torch.tanh(x.reshape(9, 24) @ first.weight.T + first.bias)
    h = torch.tanh(h @ second.weight.T + second.bias)
    torch.testing.assert_close(net(x), (h @ last.weight.T + last.bias).reshape(9, 5, 2))


def test_mlp_without_hidden_layers_is_linear():
    net, x, y = mlp(hidden=[]).double(), torch.randn(4, 2, 3, 4).double(), torch.randn(4, 2, 3, 4).double()
    zero = net(torch.zeros_like(x))
    torch.testing.assert_close(net(2 * x - 3 * y) - zero, 2 * (net(x) - zero) - 3 * (net(y) - zero))


@pytest.mark.parametrize("kind", ["none", "batch", "layer"])
@pytest.mark.parametrize("net", [mlp, lambda **s: ConvEncoder((2, 9, 8), (5,), **CONV | s)], ids=["mlp", "conv"])
def test_only_batch_normalisation_mixes_examples(kind, net):
    made = net(norm=kind)
    x = torch.randn(6, *((2, 3, 4) if isinstance(made, MLP) else (2, 9, 8)))
    alone = torch.allclose(made(x)[:3], made(x[:3]), atol=1e-5)
    assert alone == (kind != "batch")
    made.eval()
    torch.testing.assert_close(made(x)[:3], made(x[:3]))


@pytest.mark.parametrize(("spatial", "shape"), [(False, (64, 5)), (True, (64, 5, 3, 3))])
def test_batch_normalisation_is_over_the_batch_and_layer_normalisation_over_the_example(spatial, shape):
    x = 3 * torch.randn(shape) + 2
    axes = (0, 2, 3) if spatial else (0,)
    by_batch, by_example = norm("batch", 5, spatial=spatial)(x), norm("layer", 5, spatial=spatial)(x)
    torch.testing.assert_close(by_batch.mean(axes), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(by_example.flatten(1).mean(1), torch.zeros(64), atol=1e-5, rtol=0)
    torch.testing.assert_close(by_example.flatten(1).std(1, correction=0), torch.ones(64), atol=1e-3, rtol=0)
    assert torch.equal(norm("none", 5, spatial=spatial)(x), x)


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (8, 9), (28, 28), (31, 4), (13, 30)])
@pytest.mark.parametrize("channels", [1, 3])
def test_convolutions_fit_pictures_of_any_size(size, channels):
    shape = (channels, *size)
    assert ConvEncoder(shape, (6,), **CONV)(torch.rand(2, *shape)).shape == (2, 6)
    assert ConvDecoder((3,), shape, **CONV)(torch.rand(2, 3)).shape == (2, *shape)


def test_encoder_and_decoder_mirror_each_other():
    encoder, decoder = (
        ConvEncoder((1, 28, 28), (6,), **CONV),
        ConvDecoder((6,), (1, 28, 28), **CONV | {"channels": [6, 4]}),
    )
    down = [tuple(m.weight.shape) for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    up = [tuple(m.weight.shape) for m in decoder.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert down == up[::-1]


def test_every_pixel_of_a_picture_is_read_and_written():
    # but for the odd last row and column that the halving of 9 drops, which padding still reaches
    x = torch.rand(1, 1, 9, 8, requires_grad=True)
    ConvEncoder((1, 9, 8), (6,), **CONV | {"activation": "Tanh"})(x).sum().backward()
    assert (x.grad[..., :8, :] != 0).all()
    z = torch.rand(1, 3)
    net = ConvDecoder((3,), (1, 9, 8), **CONV | {"activation": "Tanh"})
    varied = (net(z) - net(z + 1)).abs()
    assert (varied > 0).all()


def test_sizes_are_halved_rounding_down():
    assert halvings((3, 28, 13), 3) == [(28, 13), (14, 6), (7, 3), (3, 1)]


@pytest.mark.parametrize(
    ("shape", "times", "message"),
    [
        ((1, 8, 8), 4, "use at most 3, one for each size"),
        ((1, 64, 5), 3, "use at most 2, one for each size"),
        ((10,), 1, "needs pictures"),
        ((1, 8, 8), 0, "at least one convolution"),
    ],
)
def test_what_cannot_be_halved_is_refused_in_one_sentence(shape, times, message):
    with pytest.raises(ValueError, match=message):
        halvings(shape, times)


def test_as_many_halvings_as_the_message_says_do_work():
    assert halvings((1, 64, 5), 2)[-1] == (16, 1)
    assert halvings((1, 8, 8), 3)[-1] == (1, 1)


def test_rows_and_pictures_are_views_of_one_another_where_convolutions_are_fastest():
    row = torch.randn(5, 24)
    picture = Picture((2, 3, 4))(row)
    assert picture.shape == (5, 2, 3, 4)
    assert picture.is_contiguous(memory_format=torch.channels_last)
    assert row_of(picture).equal(row)
    assert row_of(picture).data_ptr() == picture.data_ptr() == row.data_ptr()
    assert Picture((2, 3, 4))(row_of(picture.contiguous())).equal(picture)
    assert Picture((2, 3, 4))(row.to("meta")).is_contiguous()  # a device that is no processor


SIZES = {  # kernel, stride, padding, output padding
    "twice": (4, 2, 1, 0),
    "uneven": (3, 2, 1, 1),
    "thrice": (6, 3, 2, 1),
    "wide": (5, 2, 2, 1),
    "apart": (2, 2, 0, 0),
    "not a multiple": (4, 2, 0, 0),
    "one row more": (4, 2, 1, (1, 0)),
    "unstrided": (3, 1, 1, 0),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_the_transposed_convolution_is_torchs(sizes, channels, bias):
    made = ConvTranspose2d(3, channels, *sizes, bias=bias).double()
    x = torch.randn(5, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    expected = F.conv_transpose2d(x, made.weight, made.bias, made.stride, made.padding, made.output_padding)
    torch.testing.assert_close(made(x), expected)
    into = [x, *made.parameters()]
    slope = torch.randn_like(expected)
    torch.testing.assert_close(torch.autograd.grad(made(x), into, slope), torch.autograd.grad(expected, into, slope))


def test_a_transposed_convolution_of_few_channels_has_all_derivatives_of_torchs():
    made = ConvTranspose2d(2, 1, 4, stride=2, padding=1).double()
    into = (torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True), made.weight)

    def out(x, weight):
        return torch.func.functional_call(made, {"weight": weight}, (x,))

    assert torch.autograd.gradcheck(out, into)
    assert torch.autograd.gradgradcheck(out, into)
    along = (torch.randn_like(into[0]), torch.randn_like(into[1]))
    expected = F.conv_transpose2d(along[0], into[1], None, 2, 1) + F.conv_transpose2d(into[0], along[1], None, 2, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's forward mode uses what torch has deprecated
        found = torch.func.jvp(out, into, along)[1]
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.vmap(made)(into[0][None]), made(into[0])[None])


@pytest.mark.parametrize("channels", [1, 8])
def test_a_transposed_convolution_of_mixed_precision_gives_bfloat16(channels):
    made, x = ConvTranspose2d(3, channels, 4, stride=2, padding=1), torch.randn(5, 3, 4, 6)
    with torch.autocast("cpu", torch.bfloat16):
        half = made(x)
    assert half.dtype == torch.bfloat16
    half.float().sum().backward()
    assert made.weight.grad.dtype == torch.float32
    torch.testing.assert_close(half.float(), made(x), rtol=0.05, atol=0.05)
