"""Pictures between layers, and transposed convolutions, in the forms that are fast on a processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def row_of(picture: Tensor) -> Tensor:
    """The features of a picture pixel by pixel, [N, C, H, W] -> [N, H W C]; `Picture` is the way back.

    So they lie in memory where convolutions of a processor are fastest (channels_last), and nothing is copied then.
    """
    return picture.movedim(1, -1).flatten(1)


class Picture(nn.Module):
    """Rows of features as pictures, the way back of `row_of`.

    Args:
        shape: (channels, height, width) of a picture.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, row: Tensor) -> Tensor:
        """[N, H W C] -> [N, C, H, W]."""
        channels, height, width = self.shape
        picture = torch.unflatten(row, 1, (height, width, channels)).movedim(-1, 1)
        # Elsewhere the kernels choose the layout, and compilers foretell it for contiguous pictures.
        return picture if row.device.type == "cpu" else picture.contiguous()


class ConvTranspose2d(nn.ConvTranspose2d):
    """torch's, in the forms that oneDNN computes fast on a processor; elsewhere torch's own.

    - The bias is added apart: within the convolution its gradient is a slow loop.
    - A stride of s makes s^2 kinds of pixels, each of which sees a part of the kernel. Where there are few output
      channels, such as those of a picture, they come from a plain convolution with s^2 times as many, which takes a
      third of the time: oneDNN's own way computes 16 channels in any case.
    """

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """[N, C_in, H, W] -> [N, C_out, H', W']."""
        assert output_size is None  # the padding says it
        assert not isinstance(self.padding, str)
        if input.device.type != "cpu":
            return super().forward(input)
        if self._has_few_channels():
            x, weight = (_as_a_layer_takes_it(part) for part in (input, self.weight))
            # Compilers do not take a function with a forward mode.
            way = _Interleaved if torch.compiler.is_compiling() else _InterleavedForward
            out: Tensor = way.apply(x, weight, self.stride[0], self.padding[0], self.output_padding[0])
        else:
            out = F.conv_transpose2d(
                input, self.weight, None, self.stride, self.padding, self.output_padding, self.groups, self.dilation
            )
        return out if self.bias is None else out.add_(self.bias.to(out.dtype)[:, None, None])

    def _has_few_channels(self) -> bool:
        pairs = (self.kernel_size, self.stride, self.padding, self.output_padding)
        if self.groups > 1 or set(self.dilation) != {1} or any(len(set(pair)) > 1 for pair in pairs):
            return False
        kernel, stride, padding, more = (int(pair[0]) for pair in pairs)
        return stride > 1 and kernel + more - 2 * padding == stride and self.out_channels * stride**2 <= 16


def _as_a_layer_takes_it(x: Tensor) -> Tensor:
    """In the type that automatic mixed precision gives to the inputs of layers, where it is on."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


class _Interleaved(torch.autograd.Function):
    """A transposed convolution whose output is `stride` times as high and wide as its input, by a plain one."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, stride: int, padding: int, output_padding: int) -> Tensor:
        # Pixel s i + a of a row sees pixel i + d of the input by the tap a + p - s d.
        kernel = weight.shape[-1]
        reach = max((kernel - 1 - padding) // stride, (stride - 1 + padding) // stride)
        kinds, shifts = torch.arange(stride)[:, None], torch.arange(-reach, reach + 1)
        taps = kinds + padding - stride * shifts  # [s, 2 reach + 1]
        taps = torch.where((taps >= 0) & (taps < kernel), taps, kernel)  # which is 0
        padded = F.pad(weight, (0, 1, 0, 1))
        kernels = padded[:, :, taps[:, None, :, None], taps[None, :, None, :]]  # [C_in, C_out, s, s, 2r + 1, 2r + 1]
        plain = kernels.movedim(0, 3).flatten(0, 2).contiguous(memory_format=torch.channels_last)
        return F.pixel_shuffle(F.conv2d(x, plain, padding=reach), stride)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, int, int], output: Tensor) -> None:
        x, weight, *ctx.sizes = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), (stride, padding, more) = ctx.saved_tensors, ctx.sizes
        needed = [*ctx.needs_input_grad[:2], False]
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            grad, x, weight, None, [stride] * 2, [padding] * 2, [1, 1], True, [more] * 2, 1, needed
        )
        return of_x, of_weight, None, None, None


class _InterleavedForward(_Interleaved):
    """With its derivative along a direction."""

    @staticmethod
    def jvp(ctx: Any, of_x: Tensor, of_weight: Tensor, *_: None) -> Tensor:
        (x, weight), (stride, padding, more) = ctx.saved_tensors, ctx.sizes
        by_x = F.conv_transpose2d(of_x, weight, None, stride, padding, more)
        return by_x + F.conv_transpose2d(x, of_weight, None, stride, padding, more)
