"""Designs that hold every pair of values of any two factors, in far fewer rows than their product."""

import random
from itertools import combinations

TRIES = 60


def all_pairs(factors, seed, is_possible=lambda partial: True):
    """Rows {factor: value}, such that any two values that are possible together are together in one of them.

    `is_possible` judges rows that hold only some of the factors too.
    """
    rng = random.Random(seed)
    open_pairs = {
        ((a, i), (b, j))
        for a, b in combinations(factors, 2)
        for i, x in enumerate(factors[a])
        for j, y in enumerate(factors[b])
        if is_possible({a: x, b: y})
    }
    rows = []
    while open_pairs:
        start = dict(min(open_pairs))
        fills = [_fill(factors, start, rng, is_possible) for _ in range(TRIES)]
        best = max((fill for fill in fills if fill), key=lambda fill: len(_pairs(fill) & open_pairs))
        open_pairs -= _pairs(best)
        rows.append({factor: factors[factor][best[factor]] for factor in factors})
    return rows


def _fill(factors, start, rng, is_possible):
    """Indices of values for every factor, those of `start` kept; None where the draw came to nothing possible."""
    chosen = dict(start)
    for factor, values in factors.items():
        if factor in chosen:
            continue
        order = list(range(len(values)))
        rng.shuffle(order)
        for i in order:
            if is_possible({name: factors[name][j] for name, j in {**chosen, factor: i}.items()}):
                chosen[factor] = i
                break
        else:
            return None
    return {factor: chosen[factor] for factor in factors}


def _pairs(row):
    return set(combinations(row.items(), 2))
