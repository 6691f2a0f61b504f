"""Every view on models of several latent groups, and the one that is for them alone."""

import pytest
import torch
from tests.models.hierarchies import ladder, moved, vdvae

from vae_exp.analysis.views import reconstructions_by_group as by_group
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.config.instantiate import instantiate

from .making import subject
from .test_every_view import SMALL

ONLY_OF_ONE = {"traversals", "factor_traversals", "interpolations", "manifold", "animated_traversals"}


@pytest.mark.parametrize("make", [ladder, vdvae])
def test_views_draw_it_or_pass_it_over(make):
    settings = check(compose("train", ["view=all"]))["view"]
    for node in settings.values():
        node |= {key: value for key, value in SMALL.items() if key in node}
    del settings["latent_tsne"]  # it takes most of the time, and sees no more of a model than latent_pca does
    model = moved(make())
    dims = model.latents({"x": torch.rand(1, 1, 8, 8).double()}).shape[1]
    looked_at = subject(model, kl=torch.rand(dims), y=torch.arange(40) % 10)
    for name, view in instantiate(settings, [], "view").items():
        picture = view(looked_at)
        assert (picture is None) == (name in ONLY_OF_ONE or name in ("kl_over_training",)), name


def test_rows_go_from_the_prior_to_the_reconstruction(monkeypatch):
    shown = {}
    monkeypatch.setattr(by_group, "rows_of_images", lambda images, title, rows: shown.update(images=images, rows=rows))
    looked_at = subject(moved(ladder()))
    by_group.reconstructions_by_group(looked_at, num=3, num_rows=7, temperature=0.0)
    batch = looked_at.examples("test", 3)
    assert shown["rows"] == ["data", "0 of 3", "1 of 3", "2 of 3", "3 of 3"]
    data, none, some, *_, last = shown["images"]
    assert data.equal(batch["x"])
    torch.testing.assert_close(none, none[:1].expand_as(none))  # without an example, and without noise
    assert (some[0] - some[1]).abs().max() > 1e-6
    torch.testing.assert_close(last, looked_at.model.reconstruct(batch).mean)
    by_group.reconstructions_by_group(looked_at, num=3, num_rows=2, temperature=0.0)
    assert shown["rows"] == ["data", "0 of 3", "3 of 3"]


def test_a_model_of_one_group_has_no_such_picture():
    one = subject(ladder(latent_dims=[2]))
    assert by_group.reconstructions_by_group(one, num=3, num_rows=7, temperature=0.5) is None
