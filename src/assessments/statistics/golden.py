"""What scipy and statsmodels say to the inputs of golden.test.ts: JSON from stdin, JSON to stdout."""

import json
import sys

import numpy as np
import statsmodels.api as sm
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.descriptivestats import sign_test
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_power, normal_sample_size_one_tail
from statsmodels.stats.proportion import proportion_confint

ROUNDS = 10_000


def uniform(seed: int, count: int) -> np.ndarray:
    """mulberry32, written anew: its state only ever grows by a constant, so all draws are made at once."""
    mask = np.uint64(0xFFFFFFFF)
    state = (np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)) & mask
    mixed = ((state ^ (state >> np.uint64(15))) * (state | np.uint64(1))) & mask
    mixed ^= (mixed + (mixed ^ (mixed >> np.uint64(7))) * (mixed | np.uint64(61))) & mask
    return (mixed ^ (mixed >> np.uint64(14))) / 2.0**32


def resampled(values: list[float], seed: int) -> list[float]:
    """The percentile interval over the very samples that the seed draws."""
    drawn = np.floor(uniform(seed, ROUNDS * len(values)) * len(values)).astype(int)
    return np.quantile(np.asarray(values)[drawn].reshape(ROUNDS, -1).mean(axis=1), [0.025, 0.975]).tolist()


def scipy_bootstrap(values: list[float]) -> list[float]:
    found = stats.bootstrap((values,), np.mean, n_resamples=ROUNDS, method="percentile", rng=1)
    return [float(found.confidence_interval.low), float(found.confidence_interval.high)]


def signed_rank_counted(differences: np.ndarray) -> float:
    """Two-sided p of the signed-rank test given the sizes, ties among them: each of 2^n signings counts once."""
    doubled = np.rint(2 * stats.rankdata(np.abs(differences))).astype(int)
    ways = {0: 1}
    for rank in doubled:
        signed: dict[int, int] = {}
        for total, count in ways.items():
            for after in (total, total + int(rank)):
                signed[after] = signed.get(after, 0) + count
        ways = signed
    positive = int(doubled[differences > 0].sum())
    tail = min(positive, int(doubled.sum()) - positive)
    as_far = sum(count for total, count in ways.items() if total <= tail)
    return min(1.0, 2 * as_far / 2 ** len(doubled))


def paired_p(a: list[float], b: list[float]) -> float:
    left, right = np.array(a), np.array(b)
    if set(a) | set(b) <= {0, 1}:
        wins, losses = int((left > right).sum()), int((left < right).sum())
        return float(mcnemar([[0, wins], [losses, 0]], exact=True).pvalue)
    differences = np.round(left - right, 12)
    differences = differences[differences != 0]
    if len(differences) > 50:
        return float(stats.wilcoxon(left, right, zero_method="wilcox", correction=False, method="asymptotic").pvalue)
    if len(differences) <= 12:
        everything = stats.PermutationMethod(n_resamples=2**14)
        return float(stats.wilcoxon(differences, zero_method="wilcox", method=everything).pvalue)
    counted = signed_rank_counted(differences)
    if len(np.unique(np.abs(differences))) == len(differences):
        # Without ties scipy counts, too.
        scipys = stats.wilcoxon(differences, zero_method="wilcox", method="exact").pvalue
        assert abs(scipys - counted) < 1e-9
    return counted


def power_of(effect: float, differences: list[float], alpha: float) -> float:
    # One-sided at half the level: the two-sided power also counts finding the wrong sign.
    standard = effect / np.std(differences, ddof=1)
    return float(normal_power(standard, len(differences), alpha / 2, alternative="larger"))


def rows_for(effect: float, differences: list[float], power: float, alpha: float) -> int:
    deviation = np.std(differences, ddof=1)
    return max(2, int(np.ceil(normal_sample_size_one_tail(effect, power, alpha / 2, std_null=deviation))))


def bradley_terry(wins: list[list[float]]) -> list[list[float]]:
    """The same model as a logistic regression in which the last strength is minus the sum of the others."""
    size = len(wins)
    rows, outcomes = [], []
    for one in range(size):
        for other in range(one):
            if wins[one][other] + wins[other][one] > 0:
                row = np.zeros(size)
                row[one], row[other] = 1, -1
                rows.append(row)
                outcomes.append([wins[one][other], wins[other][one]])
    spread = np.vstack([np.eye(size - 1), -np.ones(size - 1)])
    model = sm.GLM(np.array(outcomes), np.array(rows) @ spread, family=sm.families.Binomial())
    fit = model.fit(tol=1e-14, maxiter=200)
    strengths = spread @ fit.params
    half = stats.norm.ppf(0.975) * np.sqrt(np.diag(spread @ fit.cov_params() @ spread.T))
    return np.column_stack([strengths, strengths - half, strengths + half]).tolist()


def agreement(first: list[str], second: list[str]) -> list[float]:
    agreed = sum(a == b for a, b in zip(first, second, strict=True))
    return [float(end) for end in proportion_confint(agreed, len(first), method="wilson")]


def kappa(first: list[str], second: list[str]) -> list[float]:
    labels = sorted(set(first) | set(second))
    pairs = list(zip(first, second, strict=True))
    table = [[pairs.count((a, b)) for b in labels] for a in labels]
    found = cohens_kappa(table)
    return [float(found.kappa), float(found.kappa_low), float(found.kappa_upp)]


def factorial(cells: dict[str, list[float]]) -> dict[str, list]:
    """Effects as the coefficients of a regression on -1/2 and 1/2; the lead is the first's less the second's."""
    columns = [np.asarray(cells[name]) for name in ("none", "first", "second", "both")]
    levels = np.array([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]])
    design = np.repeat(np.column_stack([np.ones(4), levels, levels.prod(axis=1)]), len(columns[0]), axis=0)
    _, first, second, interaction = sm.OLS(np.concatenate(columns), design).fit().params
    none, one, other, both = columns
    contrasts = [
        (one - none + both - other) / 2,
        (other - none + both - one) / 2,
        both - one - other + none,
        one - other,
    ]
    return {
        "estimates": [float(first), float(second), float(interaction), float(first - second)],
        "intervals": [resampled(list(of), 1) for of in contrasts],
    }


def sign_flips(values: list[float]) -> float:
    found = stats.permutation_test((values,), np.sum, permutation_type="samples", n_resamples=np.inf)
    return float(found.pvalue)


def sign_flips_normal(values: list[float]) -> float:
    return float(2 * stats.norm.sf(abs(np.sum(values)) / np.sqrt(np.sum(np.square(values)))))


asked = json.load(sys.stdin)
said = {
    "normalCdf": [float(special.ndtr(x)) for x in asked["points"]],
    "normalQuantile": [float(special.ndtri(share)) for share in asked["shares"]],
    "logGamma": [float(special.gammaln(x)) for x in asked["positives"]],
    "binomial": [float(stats.binomtest(*case).pvalue) for case in asked["binomials"]],
    "wilson": [list(map(float, proportion_confint(*case, method="wilson"))) for case in asked["wilsons"]],
    "bootstrap": [resampled(case["values"], case["seed"]) for case in asked["bootstraps"]],
    "scipyBootstrap": [scipy_bootstrap(case["values"]) for case in asked["bootstraps"]],
    "pairs": [{"p": paired_p(a, b), "interval": resampled(np.subtract(a, b), 1)} for a, b in asked["pairs"]],
    "signs": [float(sign_test(np.repeat([1.0, 0.0, -1.0], counts), 0)[1]) for counts in asked["signs"]],
    "holm": [multipletests(ps, method="holm")[1].tolist() for ps in asked["holms"]],
    "power": [power_of(effect, of, alpha) for effect, of, _, alpha in asked["detected"]],
    "rows": [rows_for(*case) for case in asked["rows"]],
    "bradleyTerry": [bradley_terry(wins) for wins in asked["wins"]],
    "agreement": [agreement(first, second) for first, second in asked["labels"]],
    "factorials": [factorial(cells) for cells in asked["factorials"]],
    "flips": [sign_flips(values) for values in asked["flips"]],
    "longFlips": [sign_flips_normal(values) for values in asked["longFlips"]],
    "kappa": [kappa(first, second) for first, second in asked["labels"]],
}
json.dump(said, sys.stdout)
