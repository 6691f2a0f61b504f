"""The pictures show what they say."""

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from analysis.linear import linear_vae, solved_vae
from vae_exp.analysis import pictures
from vae_exp.analysis.discrete import histogram_bins
from vae_exp.analysis.kl_history import KLHistory, read_history, write_history
from vae_exp.analysis.likelihood import importance_nll
from vae_exp.analysis.views import style
from vae_exp.analysis.views.animated_traversals import animated_traversals
from vae_exp.analysis.views.factor_traversals import factor_traversals, varying
from vae_exp.analysis.views.interpolations import interpolations
from vae_exp.analysis.views.kl_over_training import kl_over_training
from vae_exp.analysis.views.kl_per_dim import kl_per_dim
from vae_exp.analysis.views.latent_pca import latent_pca, principal
from vae_exp.analysis.views.manifold import manifold, quantiles
from vae_exp.analysis.views.mutual_information import mutual_information
from vae_exp.analysis.views.nearest_training import nearest
from vae_exp.analysis.views.traversals import traversals
from vae_exp.analysis.views.worst_and_best import worst_and_best

from .making import canvas, subject, wide


def test_images_lie_where_they_belong_and_are_not_blurred(written):
    images = torch.rand(2, 3, 1, 4, 28)
    figure = style.rows_of_images(images, title="t", rows=("a", "b"), captions=([], ["x", "y", "z"]))
    paper = canvas(figure, ("a", "b"))
    large = pictures.enlarged(images).mul(255).round() / 255
    for row, top in enumerate((0, 8 + style.GAP + style.LINE)):
        for column in range(3):
            left = column * (56 + style.GAP)
            for channel in range(3):
                assert paper[top : top + 8, left : left + 56, channel].equal(large[row, column, 0])
    assert written == ["t", "a", "b", "x", "y", "z"]
    left, top = style.margins("t", ("a", "b"), ())
    beside = figure[:, top:, :left]
    assert float(beside.min()) < 0.5  # the names are there
    assert float(beside[:, :, -4:].min()) == float(beside[:, :, :2].min()) == 1  # and not cut


def test_an_arc_stays_on_its_sphere_and_turns_evenly():
    a, b = torch.nn.functional.normalize(torch.randn(2, 5, 1, 4).double(), dim=-1) * 3
    w = torch.linspace(0, 1, 7).double()[:, None]
    points = pictures.slerp(a, b, w)
    torch.testing.assert_close(points.norm(dim=-1), torch.full((5, 7), 3.0).double())
    torch.testing.assert_close(points[:, 0], a[:, 0])
    torch.testing.assert_close(points[:, -1], b[:, 0])
    whole = torch.arccos(torch.cosine_similarity(a, b, dim=-1))
    turned = torch.arccos(torch.cosine_similarity(points[:, :-1], points[:, 1:], dim=-1))
    torch.testing.assert_close(turned, whole.expand(5, 6) / 6)


@pytest.mark.parametrize("factor", [2.0, -1.0, 1.0])
def test_an_arc_between_points_of_one_line_is_the_line(factor):
    a = torch.randn(3, 1, 4).double()
    w = torch.linspace(0, 1, 5).double()[:, None]
    torch.testing.assert_close(pictures.slerp(a, factor * a, w), torch.lerp(a, factor * a, w))


def made_of(looked_at, num):
    return pictures.reconstructions(looked_at.model, looked_at.examples("test", num))[1]


def test_interpolations_go_from_one_example_to_the_other(written):
    looked_at = subject()
    figure = interpolations(looked_at, num=2, steps=3)
    assert written[1:] == ["linear", "spherical"] * 2
    paper, made = (
        canvas(figure, written[1:]),
        pictures.reconstructions(looked_at.model, looked_at.examples("test", 4))[1],
    )
    height, width = pictures.enlarged(made).shape[-2:]
    for row, pair in enumerate((0, 0, 1, 1)):
        top = row * (height + style.GAP)
        for left, example in ((0, pair), (2 * (width + style.GAP), pair + 2)):
            shown = paper[top : top + height, left : left + width, 0]
            torch.testing.assert_close(shown, pictures.enlarged(made)[example, 0].float(), atol=0.003, rtol=0)


def test_traversals_are_ordered_by_kl_and_named_by_it(written):
    looked_at = subject(wide(5), kl=torch.tensor([0.1, 3.0, 0.0, 2.0, 1.0]))
    figure = traversals(looked_at, num_latents=3, steps=5, span=2.0)
    assert written[1:4] == ["z1  3.00 nats", "z3  2.00 nats", "z4  1.00 nats"]
    assert written[4:] == ["-2.0", "-1.0", "0.0", "1.0", "2.0"]
    assert written[0] == "Latent traversals, 3 of 5"
    z = pictures.latents(looked_at.model, looked_at.examples("test", 1))[0].clone()
    z[3] = -2.0  # second row, first column
    shown = pictures.enlarged(looked_at.model.decode(z).mean.clamp(0, 1)).detach()[0].float()
    top = shown.shape[0] + style.GAP
    torch.testing.assert_close(
        canvas(figure, written[1:4], written[4:])[top : top + shown.shape[0], : shown.shape[1], 0],
        shown,
        atol=0.003,
        rtol=0,
    )


def test_traversals_without_a_kl_are_ordered_by_the_variance_of_the_means(written):
    looked_at = subject(wide(4), num=200)
    means = pictures.latents(looked_at.model, looked_at.examples("test", 200))
    order = means.var(0).argsort(descending=True).tolist()
    traversals(looked_at, num_latents=4, steps=3, span=1.0)
    assert written[1:5] == [f"z{dim}" for dim in order]


def test_traversals_on_a_sphere_stay_there(settings):
    from vae_exp.build import build_model
    from vae_exp.types import DataSpec

    chosen = settings("model/posterior=von_mises_fisher", "model/prior=uniform_sphere", "model.latent_dim=4")
    model = build_model(chosen, DataSpec((1, 8, 8), "binary", 100)).eval()
    seen = []
    model.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    pictures.traversals(model, {"x": torch.rand(1, 1, 8, 8)}, dims=[2, 0], steps=5, span=3.0)
    z = seen[0].view(2, 5, 4)
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(2, 5))
    torch.testing.assert_close(z[0, :, 2], torch.linspace(-1, 1, 5))


def test_an_animation_goes_forth_and_back():
    frames = animated_traversals(subject(wide(3), kl=torch.rand(3)), num_latents=3, columns=2, steps=5, span=2.0)
    assert len(frames) == 8  # 5 forth, 3 back
    assert frames[1].equal(frames[-1])
    assert not frames[0].equal(frames[4])


def test_principal_components_are_the_eigenvectors_of_the_covariance():
    points = torch.randn(300, 4).double() @ torch.randn(4, 4).double() + 5
    found, shares = principal(points, 2)
    values, vectors = torch.linalg.eigh(torch.cov(points.T))
    expected = (points - points.mean(0)) @ vectors.flip(1)[:, :2]
    torch.testing.assert_close(found * (found * expected).sum(0).sign(), expected)
    torch.testing.assert_close(shares, values.flip(0)[:2] / values.sum())


def test_points_are_coloured_by_label_or_by_each_factor():
    labelled = latent_pca(subject(y=torch.arange(40) % 3), num=40)
    assert [text.get_text() for text in labelled.axes[0].get_legend().get_texts()] == ["0", "1", "2"]
    model = linear_vae(2)
    factors = torch.stack((torch.arange(40) % 2, torch.arange(40)), dim=1)
    many = latent_pca(subject(model, factors=factors), num=40)
    assert [axes.get_title() for axes in many.axes[:2]] == ["factor 0", "factor 1"]


def test_the_plane_is_laid_out_by_quantiles_upward_and_to_the_right(written):
    looked_at = subject()
    figure = manifold(looked_at, side=4, label=0)
    values = Normal(0.0, 1.0).icdf(torch.tensor([0.125, 0.375, 0.625, 0.875]))
    assert written[1:5] == [f"{value:.2f}" for value in values.flip(0).tolist()]
    top_left = looked_at.model.decode(torch.stack((values[0], values[3])).double()).mean.clamp(0, 1).detach()
    shown = pictures.enlarged(top_left)[0].float()
    torch.testing.assert_close(
        canvas(figure, written[1:5], written[5:])[: shown.shape[0], : shown.shape[1], 0], shown, atol=0.003, rtol=0
    )
    assert manifold(subject(wide(3)), side=4, label=0) is None


def test_quantiles_of_a_prior_without_a_formula_are_those_of_its_draws():
    parts = Independent(Normal(torch.zeros(2, 2), torch.ones(2, 2)), 1)
    mixture = MixtureSameFamily(Categorical(torch.ones(2)), parts)
    p = torch.tensor([0.1, 0.5, 0.9])
    torch.testing.assert_close(quantiles(mixture, p), Normal(0.0, 1.0).icdf(p)[:, None].expand(3, 2), atol=0.06, rtol=0)


def test_a_latent_that_is_the_factor_knows_all_of_it():
    looked_at = subject(solved_vae(), num=200)
    means = pictures.latents(looked_at.model, looked_at.examples("test", 200))
    known = subject(
        solved_vae(), num=200, factors=torch.stack((histogram_bins(means, 5)[:, 1], torch.arange(200) % 2), dim=1)
    )
    figure = mutual_information(known, num=200, bins=5, num_latents=9)
    shares = torch.tensor(figure.axes[0].images[0].get_array())
    names = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert shares.shape == (2, 2)
    assert shares[0, names.index("z1")] == pytest.approx(1)
    assert float(shares[1].max()) < 0.1
    # (bins - 1) (values - 1) / (2 N) of an entropy of 1.3 nats
    by_chance = float(figure.axes[0].get_yticklabels()[0].get_text().rpartition(" ")[2])
    assert 0.4 < by_chance / (4 * 4 / (2 * 200 * 1.3)) < 2.5


def test_the_nearest_images_are_the_nearest():
    images, among = torch.rand(4, 1, 5, 5), torch.rand(30, 1, 5, 5)
    among[17] = images[2]
    distances, found = nearest(images, among, 3)
    for row, image in enumerate(images.double()):
        slow = sorted((float((other - image).square().sum().sqrt()), i) for i, other in enumerate(among.double()))
        assert found[row].tolist() == [i for _, i in slow[:3]]
        torch.testing.assert_close(distances[row].double(), torch.tensor([d for d, _ in slow[:3]]).double())
    assert distances[2, 0] == 0


def test_the_worst_have_the_highest_nll_and_the_best_the_lowest(written):
    looked_at = subject()
    torch.manual_seed(1)
    worst_and_best(looked_at, num=3, num_examples=20, num_samples=10, rows=100)
    torch.manual_seed(1)
    nats = importance_nll(looked_at.model, looked_at.examples("test", 20), num_samples=10, rows=100).sort().values
    expected = [*nats.flip(0)[:3].tolist(), *nats[:3].tolist()]
    assert written[1:] == ["worst", "model", "best", "model", *(f"{value:.1f}" for value in expected)]
    assert written[0] == "Worst and best of 20 test images by nll, nats"


def test_factors_vary_alone_where_the_data_allow_it(written):
    grid = torch.cartesian_prod(torch.arange(3), torch.arange(5), torch.arange(4)).float()
    grid = grid[torch.randperm(len(grid))]
    for index, size in enumerate((3, 5, 4)):
        chosen = grid[varying(grid, index, 4)]
        assert len(chosen) == min(size, 4)
        assert (chosen[:, index].diff() > 0).all()
        assert (chosen[0, index], chosen[-1, index]) == (0, size - 1)
        others = torch.cat((chosen[:, :index], chosen[:, index + 1 :]), dim=1)
        assert (others == others[0]).all()
    factor_traversals(subject(linear_vae(2), num=60, factors=grid), num=60, steps=4)
    assert written[1:] == ["factor 0", "", "factor 1", "", "factor 2", ""]


def test_bars_are_ordered_and_add_up_to_the_rate():
    axes = kl_per_dim(subject(wide(3), kl=torch.tensor([0.5, 2.0, 1.0]))).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["z1", "z2", "z0"]
    assert [bar.get_height() for bar in axes.patches] == [2.0, 1.0, 0.5]
    assert "3.5 nats in all" in axes.get_title()


def test_the_record_over_training_is_drawn_by_dimension(tmp_path):
    write_history(tmp_path, KLHistory([10, 20], [[0.5, 0.0, 2.0], [1.0, 0.0, 0.25]]))
    assert read_history(tmp_path) == KLHistory([10, 20], [[0.5, 0.0, 2.0], [1.0, 0.0, 0.25]])
    axes = kl_over_training(subject(folder=tmp_path), num_named=2).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["z0", "z2"]
    named = [line for line in axes.lines if line.get_label() == "z2"]
    assert named[0].get_ydata().tolist() == [2.0, 0.25]
    write_history(tmp_path, KLHistory([10], [[0.5]]))
    assert kl_over_training(subject(folder=tmp_path), num_named=2) is None


def test_a_long_record_is_thinned_and_keeps_the_newest():
    history = KLHistory([], [])
    for step in range(1, 101):
        history = history.with_point(step, [float(step)], 8)
        assert len(history.steps) <= 8
        assert history.steps[-1] == step
        assert history.steps == sorted(set(history.steps))
        assert [row[0] for row in history.nats] == history.steps
    assert history.steps[0] <= 20
