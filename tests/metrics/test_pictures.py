"""Figures of pictures, against slow direct computation."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch

from analysis.linear import linear_vae
from vae_exp.metrics.reconstruction import ReconstructionQuality, ms_ssim, psnr, ssim
from vae_exp.metrics.sharpness import Sharpness, sharpness
from vae_exp.structural_similarity import EXPONENTS


def pair(side, channels=1, n=2, noise=0.1):
    x = torch.rand(n, channels, side, side).double()
    return x, (x + noise * torch.randn_like(x)).clamp(0, 1)


def windows(side):
    """The Gaussian window that fits."""
    reach = min(5, (side - 1) // 2)
    sigma = 1.5 * reach / 5
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.outer(line, line) / line.sum() ** 2


def by_windows(a, b, window):
    """Mean of ssim and of its contrast-structure part, over all windows inside of one channel's picture."""
    size, found = len(window), []
    for i in range(a.shape[0] - size + 1):
        for j in range(a.shape[1] - size + 1):
            p, q = a[i : i + size, j : j + size], b[i : i + size, j : j + size]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            cov = (window * (p - mp) * (q - mq)).sum()
            cs = (2 * cov + 0.03**2) / (vp + vq + 0.03**2)
            found.append((cs * (2 * mp * mq + 0.01**2) / (mp**2 + mq**2 + 0.01**2), cs))
    return np.mean(found, 0)


@pytest.mark.parametrize(("side", "channels"), [(3, 1), (8, 1), (11, 2), (17, 3)])
def test_ssim_is_the_mean_over_windows(side, channels):
    x, y = pair(side, channels)
    expected = [
        np.mean([by_windows(a, b, windows(side))[0] for a, b in zip(p, q, strict=True)])
        for p, q in zip(x.numpy(), y.numpy(), strict=True)
    ]
    assert ssim(y, x).tolist() == pytest.approx(expected, rel=1e-6)


def halved(a):
    n = len(a) // 2
    return a[: 2 * n, : 2 * n].reshape(n, 2, n, 2).mean((1, 3))


@pytest.mark.parametrize(("side", "scales"), [(22, 2), (46, 3)])
def test_ms_ssim_is_the_weighted_product_over_scales_that_fit(side, scales):
    x, y = pair(side, n=1)
    a, b = x[0, 0].numpy(), y[0, 0].numpy()
    weights = np.array(EXPONENTS[:scales]) / sum(EXPONENTS[:scales])
    expected = 1.0
    for scale, weight in enumerate(weights):
        whole, cs = by_windows(a, b, windows(side))
        expected *= (whole if scale == scales - 1 else cs) ** weight
        a, b = halved(a), halved(b)
    assert ms_ssim(y, x).item() == pytest.approx(expected, rel=1e-4)


def test_equal_pictures_are_alike():
    x = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(ssim(x, x), torch.ones(3))
    torch.testing.assert_close(ms_ssim(x, x), torch.ones(3))
    assert psnr(x, x).tolist() == pytest.approx([100] * 3)


def test_psnr_is_in_decibels():
    x = torch.zeros(2, 1, 4, 4)
    assert psnr(x, torch.full_like(x, 0.1)).tolist() == pytest.approx([20, 20])


@pytest.mark.parametrize(
    ("side", "names"), [(2, {"psnr"}), (8, {"psnr", "ssim"}), (21, {"psnr", "ssim"}), (28, {"psnr", "ssim", "ms_ssim"})]
)
def test_small_pictures_have_fewer_figures(side, names):
    model = linear_vae(2, shape=(1, side, side))
    metric, x = ReconstructionQuality(stages=["test"]), torch.rand(5, 1, side, side).double()
    with torch.no_grad():
        for part in x.split(3):
            metric.update({"x": part}, model({"x": part}), model)
        figures = metric.compute()
    assert set(figures) == names | {f"{name}/se" for name in names}
    made = model.decode(model.encode(x).mean).mean.clamp(0, 1)
    by_hand = [-10 * math.log10(((a - b) ** 2).mean()) for a, b in zip(made.detach(), x, strict=True)]
    assert figures["psnr"].item() == pytest.approx(np.mean(by_hand), rel=1e-5)


def test_sharpness_is_the_variance_of_scipys_laplacian():
    x = torch.rand(3, 2, 9, 7).double()
    expected = [np.mean([scipy.ndimage.laplace(c)[1:-1, 1:-1].var() for c in picture]) for picture in x.numpy()]
    assert sharpness(x).tolist() == pytest.approx(expected, rel=1e-9)
    assert sharpness(torch.rand(4, 1, 2, 8)).tolist() == [0] * 4


def test_sharpness_of_data_reconstructions_and_samples():
    model, x = linear_vae(2, shape=(1, 6, 6)), torch.rand(9, 1, 6, 6).double()
    metric = Sharpness(stages=["test"], num_images=9, rows=4)
    with torch.no_grad():
        metric.begin("test", model, lambda split, n: {"x": x})
        reconstructed = sharpness(model.decode(model.encode(x).mean).mean).mean()
    metric.update({}, None, model)
    figures = metric.compute()
    assert figures["sharpness_data"].item() == pytest.approx(sharpness(x).mean().item())
    assert figures["sharpness_reconstructions"].item() == pytest.approx(reconstructed.item(), rel=1e-6)
    assert figures["sharpness_samples"] > 0
