"""Series sampled by the clock: ratings that wander, and videos that drift apart."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Series = dict[str, npt.NDArray[Any]]
"""Samples, as columns of equal length."""

LARGEST_STEP = 0.08
"""How far a rating moves at most from one sample to the next."""
SHARED = 0.7
"""How much of a rating the people of a room have in common."""
SAMPLE_MS = 250
REPORT_MS = 1000


def walk(samples: int, chance: np.random.Generator) -> Floats:
    """Return a random walk that the ends of [0, 1] turn back."""
    steps = chance.uniform(-LARGEST_STEP, LARGEST_STEP, samples)
    path = chance.uniform(0.2, 0.8) + np.cumsum(steps)
    return np.abs((path + 1) % 2 - 1)


def ratings(begin: int, shared: Floats, chance: np.random.Generator) -> Series:
    """Return one person's samples, in part the room's; now and then a few seconds are lost."""
    samples = len(shared)
    own = walk(samples, chance)
    raw = np.round(100 * (SHARED * shared + (1 - SHARED) * own), 1)
    onset = begin + SAMPLE_MS * np.arange(samples) + chance.integers(0, 15, samples)
    kept = np.ones(samples, dtype=bool)
    if chance.random() < 0.25:
        lost = int(chance.integers(samples // 4, samples // 2))
        kept[lost : lost + int(chance.integers(10, 30))] = False
    return {
        "onset": onset[kept],
        "value": np.round(raw[kept] / 100, 3),
        "raw_value": raw[kept],
    }


def sync(begin: int, reports: int, chance: np.random.Generator) -> Series:
    """Return a video's reports: small drift, and one bad stretch that comes and goes."""
    seconds = np.arange(reports)
    centre, breadth = reports * chance.uniform(0.15, 0.3), chance.uniform(9, 16)
    bad = np.exp(-(((seconds - centre) / breadth) ** 2))
    wander = np.convolve(chance.normal(0, 45, reports + 6), np.full(7, 1 / 7), mode="valid")
    drift = wander - chance.uniform(650, 1100) * bad
    behind = np.clip(-drift - 100, 0, None)
    return {
        "onset": begin + REPORT_MS * seconds + chance.integers(0, 40, reports),
        "time_drift": np.round(drift, 1),
        "playback_rate": np.round(1 + np.clip(behind / 5000, 0, 0.1), 3),
        "sync_quality": np.round(np.clip(1 - np.abs(drift) / 900, 0.02, 1), 3),
        "latency": np.round(chance.gamma(6, 8, reports) + 240 * bad, 1),
        "buffer_health": np.round(np.clip(0.95 - 0.8 * bad - chance.beta(1, 30, reports), 0, 1), 3),
    }
