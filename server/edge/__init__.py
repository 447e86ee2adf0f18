"""Between the network and the routes: by which name who may ask, how much, and how slowly."""

from starlette.middleware import Middleware

from server.edge.answers import HANDLERS as HANDLERS
from server.edge.body_limit import BodyLimit
from server.edge.compression import Compression
from server.edge.cors import OtherOrigins
from server.edge.hosts import OurHosts
from server.edge.security import SecurityHeaders as SecurityHeaders
from server.edge.turns import Turns
from server.settings import Settings


def middleware(settings: Settings) -> list[Middleware]:
    """Return what each request passes within `SecurityHeaders`, the outermost first."""
    others = [Middleware(OtherOrigins, settings)] if settings.cors_origins else []
    return [
        Middleware(Turns),
        Middleware(OurHosts, settings),
        *others,
        Middleware(Compression, settings),
        Middleware(BodyLimit, settings),
    ]
