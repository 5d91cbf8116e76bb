"""How probable it is that an answer is wrong, and so how many are: estimated from the scores.

The log-odds against a corpus's pairs are a mixture of three densities. Two are known from the
wrong pairs that were made: answers of any question, and answers of near ones. Of that of right
pairs one thing is assumed: its logarithm is concave (one hump, and tails that fall at least as
fast as they begin to; Walther 2009, https://doi.org/10.1214/09-STS303). What stands out of such a
tail as wrong pairs do is counted as wrong, as in Patra and Sen (2016,
https://doi.org/10.1111/rssb.12148); where nothing stands out, little is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LEAST = 1e-9
_BINS = 64
_USUAL_SHARE = 0.03
"""How many are wrong before anything is seen, on average: in ten known sets at least 3.3 %
(Northcutt, Athalye and Mueller 2021, https://arxiv.org/abs/2103.14749)."""
_NEAR_SHARES = 0.0005 * 2.0 ** np.arange(10)
_AROUND = (1 / 8, 1 / 4, 1 / 2, 0.7, 1.0, 1.4, 2.0, 4.0, 8.0)
_BEND = 5.0
"""A density may bend this many times as much as a normal one at hardly any cost."""
_QUARTILES = 1.35
"""The distance of the quartiles of a normal density, in standard deviations."""
_RISE = 0.02
_STEPS = 100
_GAIN = 1e-4


def wrong_answer_scores(match: Floats, wrong: Floats, wrong_near: Floats) -> Floats:
    """Return the probability that each answer is wrong; the order is that of `match`, turned round.

    The shares of both kinds of wrong answers are not fixed: the probabilities under many shares
    are averaged, weighted by how well each explains all the scores. Answers of near
    questions look much like right ones, so their share is seldom seen clearly; it is taken to
    be small unless the scores say otherwise (exponential, mean `_USUAL_SHARE`).

    Args:
        match: out-of-sample probability that an answer belongs to its question, shape (n,).
        wrong: the same for pairs with the answer of any other question, shape (m,).
        wrong_near: the same for pairs with the answer of a near question, shape (k,).

    """
    own, known = _against(match), [_against(wrong), _against(wrong_near)]
    every = np.concatenate([own, *known])
    edges = np.linspace(every.min() - 1e-6, every.max() + 1e-6, _BINS + 1)
    places = (edges[1:] + edges[:-1]) / 2
    low, middle, high = np.percentile(own, [25, 50, 75])
    shape = _LogConcave((places - middle) / max((high - low) / _QUARTILES, 0.1))
    counts = np.histogram(own, edges)[0].astype(np.float64)
    far, near = (_density(shape, np.histogram(values, edges)[0]) for values in known)
    wrong_share = _rising(_averaged(shape, counts, far, near), counts)
    # The more against a pair, the surer that it is wrong: by a little at least, so that none tie.
    logit = np.log(wrong_share) - np.log1p(-wrong_share) + _RISE * places
    scores: Floats = 1.0 / (1.0 + np.exp(-_interpolated(own, places, logit)))
    return scores


def _against(match: Floats) -> Floats:
    p = np.clip(match, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log1p(-p) - np.log(p))


def _density(shape: _LogConcave, counts: NDArray[np.int64]) -> Floats:
    if not counts.any():
        return np.zeros(len(counts))
    expected, _ = shape.fit(counts.astype(np.float64), np.zeros(len(counts)))
    return np.asarray(expected / expected.sum())


def _averaged(shape: _LogConcave, counts: Floats, far: Floats, near: Floats) -> Floats:
    """Return the share of wrong ones in each bin, averaged over what the shares may be."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - heavy

    n = counts.sum()

    def cost(log_wrong: float) -> float:
        # As if one more had been seen to be wrong, so that it is never none.
        known = np.exp(log_wrong) * far + n * _USUAL_SHARE / 2 * near
        return -shape.fit(counts, known)[1] - log_wrong

    bounds = (np.log(0.25), np.log(0.9 * n))
    n_wrong = float(np.exp(minimize_scalar(cost, bounds=bounds, options={"xatol": 0.02}).x))
    weights, shares = [], []
    for times in _AROUND:
        for share in _NEAR_SHARES:
            known = times * n_wrong * far + share * n * near
            if times * n_wrong + share * n > n:
                continue
            right, likelihood = shape.fit(counts, known)
            # Exponential, both; the shares stand at equal distances of their logarithms.
            both = times * n_wrong / n + share
            weights.append(likelihood - both / _USUAL_SHARE + np.log(times * share))
            shares.append(known / (right + known))
    weight = np.exp(np.array(weights) - max(weights))
    mean = weight @ np.array(shares) / weight.sum()
    return np.asarray(np.clip(mean, 1e-9, 1.0 - 1e-9))


def _rising(shares: Floats, counts: Floats) -> Floats:
    """Return the nearest shares that nowhere fall; empty bins hardly count."""
    from sklearn.isotonic import isotonic_regression  # noqa: PLC0415 - heavy

    return np.asarray(isotonic_regression(shares, sample_weight=counts + _LEAST), np.float64)


def _interpolated(values: Floats, places: Floats, logit: Floats) -> Floats:
    half = (places[1] - places[0]) / 2
    ends = ([places[0] - half], [places[-1] + half])
    beyond = ([logit[0] - _RISE * half], [logit[-1] + _RISE * half])
    found: Floats = np.interp(
        values,
        np.concatenate([ends[0], places, ends[1]]),
        np.concatenate([beyond[0], logit, beyond[1]]),
    )
    return found


class _LogConcave:
    """Densities on equal bins whose logarithm is concave: a line that bends down at each bin.

    Its coefficients are not negative: intercept and slope, each as the difference of two, and
    the bends. Bends far beyond those of a normal density are doubted, by a ridge.
    """

    def __init__(self, places: Floats) -> None:
        """Take the middles of the bins, shape (bins,), in standard deviations."""
        one = np.ones_like(places)
        bends = np.maximum(places[:, None] - places[1:-1], 0.0)
        self.places = places
        self.basis = np.column_stack([one, -one, places, -places, -bends])
        doubt = 1.0 / (_BEND * (places[1] - places[0]))
        self.ridge = np.concatenate([np.full(4, _GAIN), np.full(len(places) - 2, doubt)])

    def fit(self, counts: Floats, known: Floats) -> tuple[Floats, float]:
        """Return what is expected in each bin beside `known`, and the log-likelihood of the counts.

        Poisson regression by Fisher scoring, each step a non-negative least-squares problem.
        The likelihood has the ridge's cost taken off; a constant is left out.
        """
        from scipy.optimize import nnls  # noqa: PLC0415 - heavy

        at = self._normal(counts)
        expected, likelihood = self._expected(at, counts, known)
        for _ in range(_STEPS):
            spread = np.sqrt(expected + known + _LEAST)
            slope = self.basis * (expected / spread)[:, None]
            wanted = (counts - expected - known) / spread + slope @ at
            rows = np.concatenate([slope, np.diag(self.ridge)])
            target = np.concatenate([wanted, np.zeros(len(at))])
            towards, _ = nnls(rows, target, maxiter=50 * len(at))
            step, gain = 1.0, -1.0
            while gain < 0.0 and step > _GAIN:
                new = at + step * (towards - at)
                found, reached = self._expected(new, counts, known)
                gain, step = reached - likelihood, step / 2
            if gain < 0.0:
                break
            at, expected, likelihood = new, found, reached
            if gain < _GAIN:
                break
        return expected, likelihood

    def _normal(self, counts: Floats) -> Floats:
        """Return the coefficients of the normal density of that mean and spread."""
        mean = counts @ self.places / counts.sum()
        spread = max(float(counts @ (self.places - mean) ** 2 / counts.sum()) ** 0.5, 0.1)
        log = -(((self.places - mean) / spread) ** 2) / 2
        log += np.log(counts.sum() / np.exp(log).sum())
        slopes = np.diff(log) / np.diff(self.places)
        line = log[0] - slopes[0] * self.places[0], slopes[0]
        both = [max(sign * value, 0.0) for value in line for sign in (1.0, -1.0)]
        return np.concatenate([both, -np.diff(slopes)])

    def _expected(self, at: Floats, counts: Floats, known: Floats) -> tuple[Floats, float]:
        expected = np.exp(np.minimum(self.basis @ at, 30.0))
        every = expected + known + _LEAST
        cost = float(((self.ridge * at) ** 2).sum()) / 2
        return expected, float((counts * np.log(every) - every).sum()) - cost
