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
      half (bfloat16: a third) of the time forward: oneDNN computes 16 channels in any case.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Height and width of the kernel.
        stride: Rows and columns of the output for each of the input.
        padding: Rows and columns left away at each side.
        output_padding: Rows and columns added at the lower and the right side, alike or (rows, columns).
        bias: Whether a number is added to each channel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        output_padding: int | tuple[int, int] = 0,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, output_padding, bias=bias)
        self._sizes = (stride, padding, self.output_padding[0])
        multiple = self.output_padding == (stride - kernel_size + 2 * padding,) * 2  # the output is of the input
        few = multiple and stride > 1 and out_channels * stride**2 <= 16
        taps = _taps(kernel_size, stride, padding) if few else None
        self.register_buffer("_taps", taps, persistent=False)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """[N, C_in, H, W] -> [N, C_out, H', W']."""
        assert output_size is None  # the padding says it
        if input.device.type != "cpu":
            return super().forward(input)
        # torch.func maps and derives torch's own.
        plain = torch.compiler.is_compiling() or not torch._C._are_functorch_transforms_active()
        if self._taps is not None and plain:
            x, weight = (_as_a_layer_takes_it(part) for part in (input, self.weight))
            out: Tensor = _Interleaved.apply(x, weight, self._taps, *self._sizes)
        else:
            out = F.conv_transpose2d(input, self.weight, None, self.stride, self.padding, self.output_padding)  # type: ignore[arg-type]
        return out if self.bias is None else out.add_(self.bias.to(out.dtype)[:, None, None])


def _taps(kernel: int, stride: int, padding: int) -> Tensor:
    """By which tap a pixel sees the input, [stride, 2 reach + 1]: pixel s i + a sees pixel i + d by a + p - s d.

    Those that are none are `kernel`.
    """
    reach = max((kernel - 1 - padding) // stride, (stride - 1 + padding) // stride)
    taps = torch.arange(stride)[:, None] + padding - stride * torch.arange(-reach, reach + 1)
    return torch.where((taps >= 0) & (taps < kernel), taps, kernel)


def _as_a_layer_takes_it(x: Tensor) -> Tensor:
    """In the type that automatic mixed precision gives to the inputs of layers, where it is on."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


class _Interleaved(torch.autograd.Function):
    """A transposed convolution whose output is `stride` times as high and wide as its input, by a plain one."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, taps: Tensor, stride: int, padding: int, output_padding: int
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.sizes = stride, padding, output_padding
        padded = F.pad(weight, (0, 1, 0, 1))  # a tap that is none is 0
        kernels = padded[:, :, taps[:, None, :, None], taps[None, :, None, :]]  # [C_in, C_out, s, s, 2r + 1, 2r + 1]
        kernels = kernels.movedim(0, 3).flatten(0, 2).contiguous(memory_format=torch.channels_last)
        return F.pixel_shuffle(F.conv2d(x, kernels, padding=taps.shape[1] // 2), stride)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), (stride, padding, more) = ctx.saved_tensors, ctx.sizes
        of_x, of_weight, _ = torch.ops.aten.convolution_backward.default(
            grad,
            x,
            weight,
            None,
            [stride] * 2,
            [padding] * 2,
            [1, 1],
            True,
            [more] * 2,
            1,
            [*ctx.needs_input_grad[:2], False],
        )
        return of_x, of_weight, None, None, None, None
