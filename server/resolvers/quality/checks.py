"""All checks."""

from server.resolvers.quality import broken, recordings, sampling, sessions, steps, streams
from server.resolvers.quality.findings import QualityCheck

CHECKS: tuple[QualityCheck, ...] = (
    *sessions.CHECKS,
    *steps.CHECKS,
    *sampling.CHECKS,
    *recordings.CHECKS,
    *streams.CHECKS,
    *broken.CHECKS,
)
