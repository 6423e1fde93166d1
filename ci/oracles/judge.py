#!/usr/bin/env python3
"""Compares the statistics of rigtone-judge with SciPy and statsmodels.

    cargo run -q -p rigtone-judge --example judge-oracle | python3 ci/oracles/judge.py

Error rates of the sequential tests are computed anew from their boundaries alone, in a different way than the crate
does: by path counts in exact integers, weighted at the end, instead of by stepping probabilities.
"""

import json
import math
import sys
from fractions import Fraction

import numpy as np
from scipy.stats import (
    PermutationMethod, beta, binom, chi2, chi2_contingency, fisher_exact, mannwhitneyu, norm, poisson, poisson_means_test, wilcoxon,
)
from statsmodels.sandbox.stats.runs import runstest_1samp
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson_2indep

RELATIVE = 1e-9
# What is smaller is nothing: the crate drops such mass at the edges of a distribution.
ABSOLUTE = 1e-30

faults = []
worst = {}


def compare(what, found, expected, case):
    error = abs(found - expected) / max(abs(expected), 1e-300)
    if abs(found - expected) > ABSOLUTE:
        worst[what] = max(worst.get(what, 0.0), error)
        if error > RELATIVE:
            faults.append(f"{what}: {found!r} is not {expected!r} in {case}")


def near(what, found, expected, case, scale=1.0):
    """For differences, which cancel: relative to what was subtracted."""
    error = abs(found - expected) / scale
    worst[what] = max(worst.get(what, 0.0), error)
    if error > RELATIVE:
        faults.append(f"{what}: {found!r} is not {expected!r} in {case}")


def same(what, found, expected, case):
    if found != expected:
        faults.append(f"{what}: {found!r} is not {expected!r} in {case}")


def paths_to_decisions(case):
    """How many sequences of trials end at each (decision, trials, failures)."""
    first, last = case["design"]["at-least"], case["design"]["at-most"]
    ends, paths = [], {0: 1}
    final_pass, final_fail = case["pass-at"][-1], case["fail-at"][-1]
    for n in range(1, last + 1):
        following = {}
        for failures, count in paths.items():
            following[failures] = following.get(failures, 0) + count
            following[failures + 1] = following.get(failures + 1, 0) + count
        paths = {}
        for failures, count in following.items():
            good = n - failures
            decision = None
            if n >= first:
                pass_at, fail_at = case["pass-at"][n - first], case["fail-at"][n - first]
                # Neither reachable any more: the end of the table with only successes, or only failures, to come.
                hopeless = (final_pass is None or good + last - n < final_pass) and (final_fail is None or good > final_fail)
                if pass_at is not None and good >= pass_at:
                    decision = "pass"
                elif fail_at is not None and good <= fail_at:
                    decision = "fail"
                elif hopeless:
                    decision = "inconclusive"
            if decision is None:
                paths[failures] = count
            else:
                ends.append((decision, n, failures, count))
    if paths:
        faults.append(f"undecided after the last trial in {case['design']}")
    return ends


def check_boundaries(case):
    ends = paths_to_decisions(case)
    for entry in case["probabilities"]:
        rate, found = entry["rate"], entry["found"]
        log_p, log_q = math.log(rate), math.log1p(-rate)
        sums = {"pass": [], "fail": [], "inconclusive": []}
        trials = []
        for decision, n, failures, count in ends:
            # A quotient of integers keeps counts of hundreds of digits within the range of a float.
            shift = max(count.bit_length() - 900, 0)
            mantissa = float(Fraction(count, 1 << shift))
            exponent = (n - failures) * log_p + failures * log_q + shift * math.log(2.0) + math.log(mantissa)
            weight = math.exp(exponent)
            sums[decision].append(weight)
            trials.append(n * weight)
        for decision, weights in sums.items():
            compare(f"P({decision})", found[decision], math.fsum(weights), (case["design"], rate))
        compare("mean trials", found["expected-trials"], math.fsum(trials), (case["design"], rate))
    design = case["design"]
    if case["probabilities"][0]["found"]["pass"] > design["alpha"] or case["probabilities"][2]["found"]["fail"] > design["beta"]:
        faults.append(f"error probability above its limit in {design}")


def check_proportion(case):
    k, n, level = case["successes"], case["trials"], case["confidence"]
    alpha = 1.0 - level

    def lower(risk):
        return beta.ppf(risk, k, n - k + 1) if k > 0 else 0.0

    def upper(risk):
        # The mirrored quantile keeps precision where the bound is near 1.
        return beta.isf(risk, k + 1, n - k) if k < n else 1.0

    compare("one-sided lower bound", case["lower"], lower(alpha), case)
    compare("one-sided upper bound", case["upper"], upper(alpha), case)
    compare("Clopper-Pearson lower", case["clopper-pearson"]["lower"], lower(alpha / 2), case)
    compare("Clopper-Pearson upper", case["clopper-pearson"]["upper"], upper(alpha / 2), case)
    z, share = norm.isf(alpha / 2), k / n
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    compare("Wilson lower", case["wilson"]["lower"], 0.0 if k == 0 else (middle - half) / scale, case)
    compare("Wilson upper", case["wilson"]["upper"], 1.0 if k == n else (middle + half) / scale, case)


def check_binomial(case):
    k, n, p = case["k"], case["n"], case["p"]
    compare("binomial at most", case["at-most"], binom.cdf(k, n, p), case)
    compare("binomial at least", case["at-least"], binom.sf(k - 1, n, p), case)


def check_sample(case):
    a, b = np.array(case["a"]), np.array(case["b"])
    ties = len(np.unique(np.concatenate([a, b]))) < len(a) + len(b)
    if ties and case["exact"]:
        # Of all divisions of the values: what SciPy counts too when it is told to take every one.
        if min(len(a), len(b)) < 2 or math.comb(len(a) + len(b), len(a)) > 3000:
            return
        method = PermutationMethod(n_resamples=10**9)
        sides = {side: mannwhitneyu(a, b, alternative=side, method=method).pvalue for side in ("less", "greater")}
    else:
        how = "exact" if case["exact"] else "asymptotic"
        sides = {side: mannwhitneyu(a, b, alternative=side, method=how).pvalue for side in ("less", "greater")}
    compare("Mann-Whitney U", case["u"], mannwhitneyu(a, b).statistic, case)
    for side, p in sides.items():
        compare(f"Mann-Whitney {side}", case[side], min(p, 1.0), case)
    compare("Mann-Whitney two-sided", case["two-sided"], min(1.0, 2 * min(sides.values())), case)
    compare("Hodges-Lehmann", case["shift"], float(np.median(np.subtract.outer(b, a))), case)


def check_table(case):
    for side in ("two-sided", "less", "greater"):
        compare(f"Fisher {side}", case[side], fisher_exact(case["table"], alternative=side).pvalue, case)
    # The distances to the exact limits of both rates, squared and added: statsmodels has the limits, not their combination.
    (k, a), (l, b) = case["table"]
    alpha = 1.0 - case["confidence"]
    (p, q) = (k / (k + a), l / (l + b))
    (low, high) = zip(*(proportion_confint(x, x + y, alpha=alpha, method="beta") for x, y in case["table"]))
    expected = [q - p - math.hypot(q - low[1], high[0] - p), q - p + math.hypot(high[1] - q, p - low[0])]
    for name, found, wanted in zip(("lower", "upper"), case["difference"], expected):
        near("difference of rates, " + name, found, max(-1.0, min(1.0, wanted)), case)


def check_count(case):
    (k, l), (t, u), alpha = case["k"], case["hours"], 1.0 - case["confidence"]
    lower = lambda risk: chi2.ppf(risk, 2 * k) / (2 * t) if k else 0.0
    upper = lambda risk: chi2.isf(risk, 2 * k + 2) / (2 * t)
    compare("Poisson lower", case["lower"], lower(alpha / 2), case)
    compare("Poisson upper", case["upper"], upper(alpha / 2), case)
    compare("one-sided Poisson lower", case["one-sided-lower"], lower(alpha), case)
    compare("one-sided Poisson upper", case["one-sided-upper"], upper(alpha), case)
    share = t / (t + u)
    p = min(1.0, 2 * min(binom.cdf(k, k + l, share), binom.sf(k - 1, k + l, share)))
    compare("two counts", case["conditional"], p, case)
    # Statsmodels subtracts the second from the first.
    expected = confint_poisson_2indep(l, u, k, t, method="mover", compare="diff", alpha=alpha, method_mover="exact-c")
    for name, found, wanted in zip(("lower", "upper"), case["difference"], expected):
        near("difference of counts, " + name, found, wanted, case, scale=max(k / t, l / u, 1.0))
    if case["e-test"] is not None:
        # SciPy leaves the tails out, 1e-10 of the whole; and by its rounding now and then the very outcome that was observed.
        found, expected = case["e-test"], poisson_means_test(k, t, l, u).pvalue
        mean = (k + l) / (t + u)
        observed = poisson.pmf(k, mean * t) * poisson.pmf(l, mean * u)
        if min(abs(found - expected), abs(found - expected - observed)) > 1e-8:
            faults.append(f"E-test: {found!r} is not {expected!r} in {case}")


def check_pair(case):
    found = wilcoxon(case["differences"], method="exact")
    n = len(case["differences"])
    compare("signed ranks", min(case["w"], n * (n + 1) / 2 - case["w"]), found.statistic, case)
    compare("signed-rank test", case["two-sided"], found.pvalue, case)
    b, c = case["only"]
    compare("McNemar", case["mcnemar"], mcnemar([[0, b], [c, 0]], exact=True).pvalue, case)


def check_family(case):
    for name, method in (("holm", "holm"), ("benjamini-hochberg", "fdr_bh")):
        for found, expected in zip(case[name], multipletests(case["p"], method=method)[1]):
            compare(name, found, expected, case)


def check_session(case):
    if case["dispersion"]:
        table = np.array([[k, n - k] for k, n in case["sessions"]])
        found = chi2_contingency(table, correction=False)
        compare("over-dispersion", case["dispersion"][0], found.statistic, case)
        same("degrees of freedom", case["dispersion"][1], found.dof, case)
        compare("over-dispersion, p", case["dispersion"][2], found.pvalue, case)
    if case["runs"]:
        z, p = runstest_1samp(np.array(case["outcomes"], dtype=float), cutoff=0.5, correction=False)
        compare("runs, z", case["runs"][1], z, case)
        compare("runs, p", case["runs"][2], p, case)


def check_ranks(case):
    n, level, confidence = case["n"], case["level"], case["confidence"]
    below = binom.cdf(np.arange(-1, n + 1), n, level)  # below[i] = F(i - 1)
    best = None
    for l in range(1, n + 1):
        for u in range(l + 1, n + 1):
            coverage = below[u] - below[l]
            if coverage >= confidence:
                key = (u - l, -coverage)
                if best is None or key < best[0]:
                    best = (key, [l, u])
                break
    found = case["interval"]
    same("interval ranks", found[:2] if found else None, best[1] if best else None, case)
    if found and best:
        compare("coverage", found[2], -best[0][1], case)
    uppers = [u for u in range(1, n + 1) if below[u] >= confidence]
    lowers = [l for l in range(1, n + 1) if 1.0 - below[l] >= confidence]
    same("upper bound rank", case["upper"], uppers[0] if uppers else None, case)
    same("lower bound rank", case["lower"], lowers[-1] if lowers else None, case)


def main():
    document = json.load(sys.stdin)
    checks = {
        "boundaries": check_boundaries,
        "proportions": check_proportion,
        "binomials": check_binomial,
        "ranks": check_ranks,
        "samples": check_sample,
        "tables": check_table,
        "counts": check_count,
        "pairs": check_pair,
        "families": check_family,
        "sessions": check_session,
    }
    for name, check in checks.items():
        if not document[name]:
            faults.append(f"no cases: {name}")
        for case in document[name]:
            check(case)
        print(f"{name}: {len(document[name])} cases")
    for what, error in sorted(worst.items()):
        print(f"  {what}: largest relative error {error:.1e}")
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(f"{len(faults)} differences to SciPy, seed {document['seed']}")


if __name__ == "__main__":
    main()
