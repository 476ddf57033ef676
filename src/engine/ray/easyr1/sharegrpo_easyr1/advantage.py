"""Hierarchical advantages (Eqs. 5-7), on plain lists in float64.

    A_glob(i, j) = (r - mean_all) / (std_all + epsilon)      over all m * n responses of the question
    A_loc(i, j)  = (r - mean_j) / (std_j + epsilon)          over the n responses of variant j
    A(i, j, k)   = A_glob + A_loc where j = k, else crossWeight * A_glob

A group of equal rewards gets exactly 0, and so does the local term of a single response. Rows may come in any order:
they are grouped by what they are, never by where they stand.
"""

import math
from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Response i of variant j of a question, read under the prompt of variant k."""

    question: str
    k: int
    j: int
    i: int
    reward: float


@dataclass(frozen=True)
class Settings:
    """As `advantage` of the run's settings. std: sample (N - 1), population (N), duplicated (every reward m times)."""

    std: str = "sample"
    epsilon: float = 1e-6
    terms: str = "both"
    double_when_single: bool = False
    cross_weight: float = 1.0


def standardised(values, std, epsilon, copies=1):
    """(value - mean) / (std + epsilon) of each; 0 where all are equal or there is one."""
    count = len(values)
    if count < 2 or all(value == values[0] for value in values):
        return [0.0] * count
    mean = math.fsum(values) / count
    squares = math.fsum((value - mean) ** 2 for value in values)
    if std == "population":
        variance = squares / count
    elif std == "duplicated":
        variance = copies * squares / (copies * count - 1)
    else:
        variance = squares / (count - 1)
    return [(value - mean) / (math.sqrt(variance) + epsilon) for value in values]


def _terms(rewards, settings):
    """{(j, i): reward} of one question to {(j, i): (global, local)}."""
    keys = sorted(rewards)
    variants = sorted({j for j, _ in keys})
    pooled = standardised([rewards[key] for key in keys], settings.std, settings.epsilon, len(variants))
    local = {}
    local_std = "population" if settings.std == "population" else "sample"
    for variant in variants:
        own = [key for key in keys if key[0] == variant]
        local.update(zip(own, standardised([rewards[key] for key in own], local_std, settings.epsilon)))
    adds_local = settings.terms != "global" and (
        len(variants) > 1 or settings.terms == "local" or settings.double_when_single
    )
    return {
        key: (0.0 if settings.terms == "local" else pooled[at], local[key] if adds_local else 0.0)
        for at, key in enumerate(keys)
    }


def hierarchical_advantages(rows, settings=Settings()):
    """Advantage of each row, in the order of the rows. Raises ValueError where a response has two rewards, or none."""
    rewards = defaultdict(dict)
    for row in rows:
        known = rewards[row.question].setdefault((row.j, row.i), row.reward)
        if known != row.reward:
            raise ValueError(f"question {row.question}, response {row.j}, {row.i}: two rewards: {known}, {row.reward}")
        if not math.isfinite(row.reward):
            raise ValueError(f"question {row.question}, response {row.j}, {row.i}: reward is {row.reward}")
    terms = {question: _terms(known, settings) for question, known in rewards.items()}
    advantages = []
    for row in rows:
        pooled, local = terms[row.question][(row.j, row.i)]
        advantages.append(pooled + local if row.j == row.k else settings.cross_weight * pooled)
    return advantages
