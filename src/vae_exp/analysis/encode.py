"""Pictures as the bytes of image files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vae_exp.analysis.views.base import Picture

FRAME_MS = 100
"""Time for which each image of an animation is shown, in milliseconds."""


class Encoded(NamedTuple):
    """An image file.

    Args:
        suffix: The ending of its name, ".png" or ".gif".
        data: Its content.
        height: In pixels.
        width: In pixels.
    """

    suffix: str
    data: bytes
    height: int
    width: int


def encoded(picture: Picture) -> Encoded:
    """A figure or an image [C, H, W] as PNG, an animation [T, C, H, W] as GIF."""
    if not isinstance(picture, Tensor):
        picture = _rendered(picture)
    if picture.ndim == 4:
        return Encoded(".gif", gif(picture), *picture.shape[-2:])
    return Encoded(".png", png(picture), *picture.shape[-2:])


def png(image: Tensor) -> bytes:
    """[C, H, W] in [0, 1] -> the bytes of a PNG file."""
    buffer = io.BytesIO()
    _image(image).save(buffer, format="png", compress_level=2)  # half the time of 6, and a seventh larger
    return buffer.getvalue()


def gif(frames: Tensor) -> bytes:
    """[T, C, H, W] in [0, 1] -> the bytes of a GIF file that repeats for ever."""
    buffer = io.BytesIO()
    if frames.shape[1] == 3 and bool((frames == frames[:, :1]).all()):
        frames = frames[:, :1]  # grey: no palette is to be found for each image
    first, *rest = (_image(frame) for frame in frames)
    first.save(buffer, format="gif", save_all=True, append_images=rest, duration=FRAME_MS, loop=0)
    return buffer.getvalue()


def _image(image: Tensor) -> Image.Image:
    levels = image.detach().float().cpu().clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(levels.squeeze(-1).numpy())


def _rendered(figure: Figure) -> Tensor:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = torch.frombuffer(bytearray(canvas.buffer_rgba()), dtype=torch.uint8)
    width, height = canvas.get_width_height()
    return pixels.view(height, width, 4)[..., :3].permute(2, 0, 1).float() / 255
