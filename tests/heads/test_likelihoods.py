"""Each likelihood against scipy, numerical integration, or its own definition worked by hand."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.integrate import quad

from vae_exp.distributions.discretized_logistic import DiscretizedLogistic
from vae_exp.heads.likelihoods.bernoulli import BernoulliLikelihood
from vae_exp.heads.likelihoods.categorical import CategoricalLikelihood
from vae_exp.heads.likelihoods.continuous_bernoulli import ContinuousBernoulliLikelihood
from vae_exp.heads.likelihoods.discretized_logistic import DiscretizedLogisticLikelihood
from vae_exp.heads.likelihoods.discretized_logistic_mixture import DiscretizedLogisticMixtureLikelihood
from vae_exp.heads.likelihoods.gaussian import GaussianLikelihood
from vae_exp.heads.likelihoods.laplace import LaplaceLikelihood
from vae_exp.heads.likelihoods.multinomial import MultinomialLikelihood
from vae_exp.heads.likelihoods.optimal_sigma_gaussian import OptimalSigmaGaussian
from vae_exp.heads.likelihoods.student_t import StudentTLikelihood

SHAPE = (2, 3, 4)
BERNOULLI = BernoulliLikelihood(event_shape=SHAPE)
CONTINUOUS = ContinuousBernoulliLikelihood(event_shape=SHAPE)
LOGISTIC = DiscretizedLogisticLikelihood(event_shape=SHAPE, levels=256, min_log_scale=-7.0, max_log_scale=3.0)


def gaussian(**settings):
    return GaussianLikelihood(
        **{"event_shape": SHAPE, "scale": 0.1, "learn_scale": False, "min_log_scale": -6.0} | settings
    )


def optimal(**settings):
    return OptimalSigmaGaussian(**{"event_shape": SHAPE, "momentum": 0.9, "min_log_scale": -6.0} | settings)


def laplace(**settings):
    return LaplaceLikelihood(
        **{"event_shape": SHAPE, "scale": 0.1, "learn_scale": False, "min_log_scale": -6.0} | settings
    )


def student_t(**settings):
    return StudentTLikelihood(
        **{"event_shape": SHAPE, "df": 4.0, "scale": 0.1, "learn_scale": False, "min_log_scale": -6.0} | settings
    )


CATEGORICAL = CategoricalLikelihood(event_shape=SHAPE, levels=256)
MIXTURE = DiscretizedLogisticMixtureLikelihood(
    event_shape=SHAPE, num_components=3, levels=256, min_log_scale=-7.0, max_log_scale=3.0
)
WITH_SCALE = [gaussian, laplace, student_t]
ALL = [
    BERNOULLI, CONTINUOUS, LOGISTIC, CATEGORICAL, MIXTURE, optimal(), MultinomialLikelihood(event_shape=SHAPE),
    *(make(learn_scale=learned) for make in WITH_SCALE for learned in (False, True)),
]  # fmt: skip


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize("head", ALL, ids=lambda head: type(head).__name__)
class TestEveryLikelihood:
    def test_network_gives_its_parameters_along_the_channels(self, head):
        channels, *picture = head.params_shape
        assert picture == [3, 4]
        if head is not MIXTURE:  # which has one weight for all channels of a pixel
            assert channels == head.params_per_dim * 2

    def test_shapes_of_the_distribution(self, head):
        p = head(torch.randn(7, 5, *head.params_shape))
        assert p.batch_shape == (7, 5)
        assert p.event_shape == SHAPE
        assert p.log_prob(torch.full((5, *SHAPE), 1.0)).shape == (7, 5)
        assert p.mean.shape == p.sample().shape == (7, 5, *SHAPE)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_half_precision_parameters_are_scored_in_single_precision(self, head, dtype):
        params, x = torch.randn(4, *head.params_shape).to(dtype), torch.ones(4, *SHAPE)
        halves, singles = head(params).log_prob(x), head(params.float()).log_prob(x)
        assert halves.dtype == torch.float32
        torch.testing.assert_close(halves, singles, rtol=0, atol=0)

    def test_double_precision_stays_double(self, head):
        assert head(double(4, *head.params_shape)).mean.dtype == torch.float64

    def test_gradients_are_finite_for_extreme_parameters(self, head):
        params = (100 * torch.randn(6, *head.params_shape)).requires_grad_()
        head(params).log_prob(torch.randint(0, 2, (6, *SHAPE)).float()).sum().backward()
        assert torch.isfinite(params.grad).all()


def test_bernoulli_matches_scipy():
    logits, x = double(5, *SHAPE), torch.randint(0, 2, (5, *SHAPE)).double()
    by_scipy = scipy.stats.bernoulli.logpmf(x.numpy(), 1 / (1 + np.exp(-logits.numpy()))).sum((1, 2, 3))
    np.testing.assert_allclose(BERNOULLI(logits).log_prob(x).numpy(), by_scipy, rtol=1e-10)


def test_bernoulli_on_grey_is_the_cross_entropy_even_when_arguments_are_checked():
    logits, x = double(5, *SHAPE), torch.rand(5, *SHAPE).double()
    pi = 1 / (1 + np.exp(-logits.numpy()))
    by_hand = (x.numpy() * np.log(pi) + (1 - x.numpy()) * np.log(1 - pi)).sum((1, 2, 3))
    np.testing.assert_allclose(BERNOULLI(logits).log_prob(x).numpy(), by_hand, rtol=1e-10)


@pytest.mark.parametrize(("values", "suffix"), [("binary", ""), ("levels", "_bce"), ("unit_interval", "_bce")])
def test_cross_entropy_on_grey_has_its_own_name(values, suffix):
    assert BERNOULLI.suffix(values) == suffix


@pytest.mark.parametrize("values", ["binary", "levels", "unit_interval"])
def test_densities_on_the_interval_keep_their_name(values):
    assert CONTINUOUS.suffix(values) == gaussian().suffix(values) == optimal().suffix(values) == ""


def test_discretized_logistic_refuses_values_between_levels():
    assert LOGISTIC.suffix("levels") == LOGISTIC.suffix("binary") == ""
    with pytest.raises(ValueError, match="values between them"):
        LOGISTIC.suffix("unit_interval")


def test_only_probability_masses_are_discrete():
    assert BERNOULLI.discrete
    assert LOGISTIC.discrete
    assert not any(head.discrete for head in (CONTINUOUS, gaussian(), optimal()))


# Continuous Bernoulli


def continuous_bernoulli(logit, dtype=torch.float64):
    head = ContinuousBernoulliLikelihood(event_shape=(1,))
    return head(torch.tensor([logit], dtype=dtype))


LOGITS = [0.0, 1e-6, -1e-4, 0.0039, 0.0041, -0.004, 0.01, 0.3, -1.0, 4.0, -12.0, 17.0, 25.0, -40.0, 100.0]


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_integrates_to_one_and_has_its_mean(logit):
    p = continuous_bernoulli(logit)

    def density(x):
        return p.log_prob(torch.tensor([x], dtype=torch.float64)).exp().item()

    edge = [1 / (1 + abs(logit)), 1 - 1 / (1 + abs(logit))]
    total, _ = quad(density, 0, 1, points=edge)
    mean, _ = quad(lambda x: x * density(x), 0, 1, points=edge)
    assert total == pytest.approx(1, abs=1e-7)
    assert p.mean.item() == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_is_right_in_single_precision(logit):
    # C(lambda) = 2 artanh(1 - 2 lambda) / (1 - 2 lambda), in logits
    log_c = math.log(2) if logit == 0 else math.log(logit / math.tanh(logit / 2))
    for x in (0.0, 0.3, 1.0):
        by_hand = log_c + x * logit - np.logaddexp(0, logit)
        p = continuous_bernoulli(logit, torch.float32)
        assert p.log_prob(torch.tensor([x])).item() == pytest.approx(by_hand, rel=1e-6, abs=2e-6)


@pytest.mark.parametrize("logit", LOGITS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_score_of_continuous_bernoulli_is_x_minus_its_mean(logit, dtype):
    # An exponential family with natural parameter eta: d log p(x) / d eta = x - E[x]
    eta = torch.tensor([logit], dtype=dtype, requires_grad=True)
    mean = 0.5 + logit / 12 - logit**3 / 720 if abs(logit) < 0.05 else 1 / -math.expm1(-logit) - 1 / logit
    ContinuousBernoulliLikelihood(event_shape=(1,))(eta).log_prob(torch.tensor([0.3], dtype=dtype)).backward()
    assert eta.grad.item() == pytest.approx(0.3 - mean, abs=1e-5 if dtype == torch.float32 else 1e-8)


@pytest.mark.parametrize("logit", [0.0, 0.003, -3.0, 30.0])
def test_continuous_bernoulli_is_sampled_as_it_is_scored(logit):
    p = continuous_bernoulli(logit)
    drawn = p.sample((20_000,)).flatten().numpy()

    def cdf(x):
        return x if logit == 0 else np.exp(logit * (x - 1)) * np.expm1(-logit * x) / np.expm1(-logit)

    assert scipy.stats.kstest(drawn, cdf).pvalue > 1e-4


# Gaussian


@pytest.mark.parametrize(
    ("make", "frozen"),
    [(gaussian, scipy.stats.norm), (laplace, scipy.stats.laplace), (student_t, scipy.stats.t(4.0).dist)],
)
def test_densities_with_a_scale_match_scipy(make, frozen):
    mu, x = double(5, *SHAPE), torch.rand(5, *SHAPE).double()
    shape = (4.0,) if make is student_t else ()
    by_scipy = frozen.logpdf(x.numpy(), *shape, mu.numpy(), 0.1).sum((1, 2, 3))
    p = make().double()(mu)
    np.testing.assert_allclose(p.log_prob(x).numpy(), by_scipy, rtol=1e-6)
    torch.testing.assert_close(p.mean, mu)
    drawn = ((p.sample((500,)) - mu) / 0.1).flatten().numpy()
    assert scipy.stats.kstest(drawn, frozen.cdf, args=shape).pvalue > 1e-4


@pytest.mark.parametrize("make", WITH_SCALE)
def test_fixed_scale_is_saved_but_not_learned(make):
    head = make()
    assert not list(head.parameters())
    assert "log_scale" in head.state_dict()


@pytest.mark.parametrize("scale", [0.003, 0.1, 1.0, 20.0])
@pytest.mark.parametrize("make", WITH_SCALE)
def test_learned_scale_starts_where_it_is_told(make, scale):
    p = make(scale=scale, learn_scale=True)(torch.zeros(SHAPE))
    torch.testing.assert_close(p.base_dist.scale, torch.full(SHAPE, scale), rtol=1e-4, atol=0)


def test_learned_scale_finds_that_of_each_channel():
    truth = torch.tensor([0.05, 0.4]).double()[:, None, None]
    x = 0.5 + truth * double(2000, *SHAPE)
    head = gaussian(learn_scale=True).double()
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        (-head(torch.full_like(x, 0.5)).log_prob(x).mean() / 24).backward()
        optimizer.step()
    found = head(torch.zeros(SHAPE).double()).base_dist.scale[:, 0, 0]
    rms = (x - 0.5).square().mean((0, 2, 3)).sqrt()
    torch.testing.assert_close(found, rms, rtol=1e-3, atol=0)


def test_students_t_tends_to_a_gaussian_and_forgives_outliers():
    mu, x = double(5, *SHAPE), double(5, *SHAPE)
    near = student_t(df=1e8).double()(mu).log_prob(x)
    torch.testing.assert_close(near, gaussian().double()(mu).log_prob(x), rtol=1e-4, atol=0)
    far = torch.full(SHAPE, 100.0)
    assert student_t()(torch.zeros(SHAPE)).log_prob(far) > 100 * gaussian()(torch.zeros(SHAPE)).log_prob(far)


def test_learned_scale_does_not_fall_below_its_bound():
    head = gaussian(learn_scale=True, min_log_scale=-3.0)
    head.log_scale.data.fill_(-50.0)
    assert head(torch.zeros(SHAPE)).base_dist.scale.min().log().item() == pytest.approx(-3.0, abs=1e-4)


def test_scale_below_its_bound_is_refused():
    with pytest.raises(ValueError, match=r"scale=0\.001 should be greater"):
        gaussian(scale=0.001)


# Optimal sigma


def test_optimal_sigma_is_the_maximum_of_the_batch_likelihood():
    head, mu, x = optimal().double(), double(6, *SHAPE), double(6, *SHAPE)
    mine = head(mu).log_prob(x).sum().item()
    by_scale = [scipy.stats.norm.logpdf(x, mu, s).sum() for s in np.linspace(0.5, 3, 4001)]
    mse = (x - mu).square().mean().item()
    assert mine == pytest.approx(-0.5 * x.numel() * (math.log(2 * math.pi * mse) + 1), rel=1e-12)
    assert max(by_scale) == pytest.approx(mine, rel=1e-6)
    assert mine >= max(by_scale)


def test_gradient_is_that_of_the_profile_likelihood():
    head, x = optimal().double(), double(3, 6, *SHAPE)
    mu = double(3, 6, *SHAPE).requires_grad_()
    (mine,) = torch.autograd.grad(head(mu).log_prob(x).sum(), mu)
    profile = -0.5 * x.numel() * torch.log((x - mu).square().mean())
    (theirs,) = torch.autograd.grad(profile, mu)
    torch.testing.assert_close(mine, theirs)


def test_gradient_of_a_bound_of_several_samples_goes_through_sigma():
    head, x, mu = optimal().double(), double(6, *SHAPE), double(5, 6, *SHAPE)
    towards, step = double(5, 6, *SHAPE), 1e-5

    def bound(mu):
        return head(mu).log_prob(x).logsumexp(0).sum()

    (grad,) = torch.autograd.grad(bound(mu.requires_grad_()), mu)
    with torch.no_grad():
        by_differences = (bound(mu + step * towards) - bound(mu - step * towards)) / (2 * step)
    torch.testing.assert_close((grad * towards).sum(), by_differences, rtol=1e-6, atol=0)


def test_optimal_sigma_is_bounded_below():
    head, x = optimal(min_log_scale=-2.0).double(), double(4, *SHAPE)
    per_pixel = head(x).log_prob(x) / math.prod(SHAPE)
    torch.testing.assert_close(per_pixel, torch.full_like(per_pixel, 2.0 - 0.5 * math.log(2 * math.pi)))


def test_evaluation_uses_the_running_variance_and_leaves_it_alone():
    head, mu, x = optimal().double(), double(4, *SHAPE), double(4, *SHAPE)
    head.variance.fill_(0.49)
    head.eval()
    by_scipy = scipy.stats.norm.logpdf(x, mu, 0.7).sum((1, 2, 3))
    np.testing.assert_allclose(head(mu).log_prob(x).numpy(), by_scipy, rtol=1e-10)
    assert head.variance.item() == pytest.approx(0.49)


def test_evaluation_scores_each_example_by_itself():
    head, mu, x = optimal().double().eval(), double(4, *SHAPE), double(4, *SHAPE)
    torch.testing.assert_close(head(mu).log_prob(x)[:2], head(mu[:2]).log_prob(x[:2]))


def test_running_variance_is_an_average_of_the_batches_variances():
    head, zero = optimal(momentum=0.9), torch.zeros(4, *SHAPE)
    for _ in range(3):
        head(zero).log_prob(torch.full_like(zero, 0.2))
    assert head.variance.item() == pytest.approx(0.04, rel=1e-5)  # and not of a number from before the first batch


def test_running_variance_forgets_with_its_momentum():
    head, zero = optimal(momentum=0.5), torch.zeros(4, *SHAPE)
    for size in (1.0, 1.0, 1.0, 1.0, 0.0):
        head(zero).log_prob(torch.full_like(zero, size))
    bound = math.exp(-12)
    assert head.variance.item() == pytest.approx(0.5 + 0.5 * bound, rel=1e-5)


def test_running_variance_is_saved():
    head, other = optimal(), optimal()
    head(torch.zeros(4, *SHAPE)).log_prob(torch.rand(4, *SHAPE))
    other.load_state_dict(head.state_dict())
    assert torch.equal(head.variance, other.variance)


def test_samples_have_the_running_scale():
    head = optimal()
    head.variance.fill_(0.25)
    for mode in (head.train(), head.eval()):
        drawn = mode(torch.zeros(2000, *SHAPE)).sample()
        assert drawn.std().item() == pytest.approx(0.5, rel=0.02)


# Discretized logistic


def test_logistic_parameters_are_shifted_and_bounded():
    params = torch.cat((double(4, *SHAPE), 100 * double(4, *SHAPE)), dim=1)
    loc, log_scale = params[:, :2] + 0.5, (params[:, 2:] - 2).clamp(-7, 3)
    x = torch.randint(0, 256, (4, *SHAPE)).double() / 255
    by_hand = DiscretizedLogistic(loc, log_scale, levels=256).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(LOGISTIC(params).log_prob(x), by_hand)


@pytest.mark.parametrize("name", ["categorical", "discretized_logistic", "discretized_logistic_mixture"])
def test_levels_must_be_those_of_the_data(name):
    heads = {
        "categorical": lambda levels: CategoricalLikelihood(event_shape=SHAPE, levels=levels),
        "discretized_logistic": lambda levels: logistic(DiscretizedLogisticLikelihood, levels=levels),
        "discretized_logistic_mixture": lambda levels: logistic(
            DiscretizedLogisticMixtureLikelihood, levels=levels, num_components=2
        ),
    }
    make = heads[name]
    assert make(256).suffix("levels") == make(256).suffix("binary") == make(2).suffix("binary") == ""
    with pytest.raises(
        ValueError, match=f"={name} scores 16 levels, but this data has 256; use model.likelihood.levels=256"
    ):
        make(16).suffix("levels")
    with pytest.raises(ValueError, match=f"={name} scores 256 levels, but this data has values between them"):
        make(256).suffix("unit_interval")
    with pytest.raises(ValueError, match="levels=1 should be at least 2"):
        make(1)


def logistic(head, **settings):
    return head(**{"event_shape": SHAPE, "min_log_scale": -7.0, "max_log_scale": 3.0} | settings)


@pytest.mark.parametrize(
    ("settings", "message"), [({"levels": 1}, "levels=1"), ({"min_log_scale": 4.0}, "min_log_scale=4.0")]
)
def test_logistic_refuses_what_makes_no_distribution(settings, message):
    with pytest.raises(ValueError, match=message):
        DiscretizedLogisticLikelihood(
            **{"event_shape": SHAPE, "levels": 256, "min_log_scale": -7.0, "max_log_scale": 3.0} | settings
        )
