"""From a picture file of any size and mode to a small uint8 tensor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from vae_exp.data.members import Member
from vae_exp.errors import UserError
from vae_exp.types import Count

Channels = Literal[1, 3]

MODES: dict[int, str] = {1: "L", 3: "RGB"}


@dataclass(frozen=True)
class Fit:
    """Decode a picture, scale its short side to `size` (antialiased) and cut out the centre.

    Transparent parts are shown on white; 16-bit grey levels are scaled to 8 bits; the camera's orientation is applied.

    Args:
        size: Height and width of the result, pixels.
        channels: 1 for grey, 3 for colour.
        crop: Side of the central square that is cut out before scaling, pixels; None for the largest square.
        invert: Whether to exchange black and white.
    """

    size: Count
    channels: Channels
    crop: int | None = None
    invert: bool = False

    def __call__(self, file: Path | Member) -> Tensor:
        """Decode one file.

        Returns:
            [channels, size, size] uint8.

        Raises:
            UserError: The file is missing, damaged or no picture.
        """
        try:
            pixels = self._pixels(file)
        except Exception as error:  # a damaged file can make a decoder raise nearly anything
            raise UserError(f"the picture {file} cannot be read ({error}); mend it or remove it") from error
        return torch.from_numpy(pixels).reshape(self.size, self.size, self.channels).permute(2, 0, 1).contiguous()

    def _pixels(self, file: Path | Member) -> np.ndarray:
        with file.open("rb") as raw, Image.open(raw) as opened:
            if self.crop is None:
                # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size for a fraction of the time; twice what is
                # wanted is left for the antialiased scaling, as in PIL's own thumbnails.
                opened.draft(None, (2 * self.size, 2 * self.size))
            image = _opaque(ImageOps.exif_transpose(opened)).convert(MODES[self.channels])
        if self.crop is not None:
            left, top = (image.width - self.crop) // 2, (image.height - self.crop) // 2
            image = image.crop((left, top, left + self.crop, top + self.crop))
        image = ImageOps.fit(image, (self.size, self.size), Image.Resampling.BILINEAR)
        return np.array(ImageOps.invert(image) if self.invert else image)


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image)
    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA"))


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    levels = np.asarray(image).astype(np.int64)  # PIL's own conversion would clip at 255
    return Image.fromarray(((levels.clip(0, 65535) + 128) // 257).astype(np.uint8))
