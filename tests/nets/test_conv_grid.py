"""Networks between pictures and latents on a grid."""

import pytest
import torch

from vae_exp.nets.conv_grid import ConvGridDecoder, ConvGridEncoder

SMALL = {"channels": [4, 8], "depth": 1, "groups": 2, "activation": "SiLU", "init": "torch"}


@pytest.mark.parametrize("picture", [(1, 28, 28), (3, 9, 14), (2, 4, 5)])
def test_latents_keep_their_places(picture):
    rows, columns = picture[1] // 4, picture[2] // 4
    encoder = ConvGridEncoder(picture, (3 * rows * columns,), **SMALL)
    decoder = ConvGridDecoder((3 * rows * columns,), picture, **{**SMALL, "channels": [8, 4]})
    x = torch.rand(2, *picture)
    z = encoder(x)
    assert z.shape == (2, 3 * rows * columns)
    assert decoder(z).shape == x.shape
    changed = torch.cat((x[:1], x[:1]))
    changed[1, :, -1, -1] += 1
    moved = (encoder(changed)[0] != encoder(changed)[1]).reshape(3, rows, columns).any(0)
    assert moved[-1, -1]
    for net in (encoder, decoder):
        net(x if net is encoder else z.detach()).square().sum().backward()
        assert all(weight.grad.abs().max() > 0 for weight in net.parameters())


def test_far_places_do_not_see_each_other_without_residual_blocks():
    encoder = ConvGridEncoder((1, 32, 32), (64,), **{**SMALL, "depth": 0})
    x = torch.rand(1, 1, 32, 32, requires_grad=True)
    encoder(x)[0, 0].backward()
    assert x.grad[0, 0, :8, :8].abs().max() > 0
    assert not x.grad[0, 0, 16:].any()
    assert not x.grad[0, 0, :, 16:].any()


def test_sizes_that_do_not_divide_are_refused():
    for net, shapes in ((ConvGridEncoder, ((1, 28, 28), (50,))), (ConvGridDecoder, ((50,), (1, 28, 28)))):
        with pytest.raises(ValueError, match=r"50 numbers do not divide into a grid of 7x7.*a multiple of 49"):
            net(*shapes, **SMALL)
