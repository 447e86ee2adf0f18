"""Puts the server together; the only module that joins its parts."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute

from server.adding import ingest_route
from server.attempts import Attempts
from server.browsers import Browsers
from server.chores import Chores
from server.db import Database
from server.edge import HANDLERS, SecurityHeaders
from server.edge import middleware as guarding
from server.endpoint import GraphQLEndpoint
from server.entrance import Entrance
from server.erasure.pieces import Tools
from server.erasure.running import Eraser
from server.export.jobs import Exporter
from server.export.plan import planner
from server.export.progress import Hub
from server.export.surveys import Surveyor
from server.files import file_routes
from server.health.checks import accounts
from server.health.routes import health_routes
from server.ingest.gate import Gate
from server.key_uses import KeyUses
from server.limits.budgets import budgets_of
from server.limits.terms import Terms
from server.links import Signer, load_secret
from server.live.pulse import Pulse
from server.migrate import migrate, require_current
from server.observing.middleware import middleware as observing
from server.observing.observer import Observer
from server.observing.scraping import leave
from server.observing.slow import SlowOperations
from server.observing.tracing import Tracer
from server.own_data.routes import OwnData
from server.pages import page_routes
from server.partitions.moving import Partitioner
from server.persisted import PersistedDocuments
from server.resolvers.context import Services
from server.resolvers.requesters import may_still_export
from server.resolvers.retaining import Retention
from server.resolvers.scheduling import Scheduler
from server.sealing.sealer import Sealer
from server.settings import Settings
from server.sign_in.routes import SignIn
from server.storage import Storage
from server.uploading.drafts import sweep
from server.uploading.routes import upload_route
from server.webhooks.delivering import Deliveries
from server.webhooks.sending import Sender

if TYPE_CHECKING:
    from server.sign_in.openid import Provider


log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> Starlette:
    """Build the application; nothing is opened until it starts."""
    settings = settings or Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = Database(settings.database)
    storage = Storage(settings.storage)
    hub = Hub(db)
    plan = planner(db.url, settings)
    exporter = Exporter(db, storage, hub, settings, plan=plan, allowed=may_still_export)
    surveyor = Surveyor(db, plan)
    secret = load_secret(settings)
    signer = Signer(secret, settings.link_seconds)
    browsers = Browsers(secret, settings.public_url, settings.session_seconds)
    key_uses = KeyUses(db)
    pulse = Pulse(db)
    entrance = Entrance(db, key_uses, Attempts(settings.wrong_keys_a_minute))
    observer = Observer(
        SlowOperations(settings.slow_seconds, db.explain),
        None if settings.otlp_endpoint is None else Tracer(settings.otlp_endpoint),
    )
    services = Services(
        db,
        storage,
        exporter,
        hub,
        signer,
        surveyor,
        entrance,
        Gate(settings.ingest_at_once),
        pulse,
        Gate(settings.uploads_at_once, "files"),
        settings.upload_max_bytes,
        fast_path=settings.fast_path,
        smallest_cell=settings.smallest_cell,
        export_days=settings.export_days,
        webhook_loopback=settings.webhook_loopback,
        erasure_grace_days=settings.erasure_grace_days,
        terms=Terms.of(settings),
        budgets=budgets_of(db, settings),
        persisted=PersistedDocuments.read(settings.documents_file, only=settings.persisted_only),
        observer=observer,
    )
    scheduler = Scheduler(db, exporter.wake, smallest_cell=settings.smallest_cell)
    tools = Tools(db, storage, signer, settings.spool, settings.uploads)
    chores = Chores(
        {
            "withdrawals": Sealer(db, storage).run,
            "retention": Retention(db, storage, exporter.wake),
            "webhooks": Deliveries(db, Sender(loopback=settings.webhook_loopback)),
            "erasures": Eraser(tools),
            "partitions": Partitioner(
                db, settings.partition_from_rows, settings.partitions_max
            ).run,
        }
    )
    graphql = GraphQLEndpoint(
        services,
        browsers,
        sockets_per_key=settings.sockets_per_key,
        operations_per_socket=settings.operations_per_socket,
    )
    sign_in = SignIn(
        db,
        browsers,
        entrance,
        _provider(settings),
        create=settings.oidc_create,
        contact=settings.contact,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        await (migrate(db) if db.file else require_current(db))
        await sweep(settings.uploads, db, storage)
        exporter.start()
        scheduler.start()
        chores.start()
        key_uses.start()
        if (wrong := await accounts(db)) is not None:
            log.warning(wrong)
        try:
            yield
        finally:
            await chores.stop()
            await scheduler.stop()
            await exporter.stop()
            await surveyor.stop()
            await hub.close()
            await pulse.close()
            await key_uses.stop()
            await observer.close()
            await db.close()
            leave()

    app = Starlette(
        routes=[
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
            ingest_route(services, browsers),
            upload_route(services, settings.uploads),
            *file_routes(db, storage, signer),
            *page_routes(),
            *health_routes(db, storage, settings.metrics_token),
            *sign_in.routes,
            *OwnData(services).routes,
        ],
        middleware=[
            Middleware(SecurityHeaders, settings),
            *observing(settings),
            *guarding(settings),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.db = db
    app.state.services = services
    app.state.key_uses = key_uses
    app.state.chores = chores
    return app


def _provider(settings: Settings) -> "Provider | None":
    if settings.oidc_issuer is None:
        return None
    from server.sign_in.openid import Provider  # as much memory as a tenth of the server

    secret = settings.oidc_client_secret
    return Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        None if secret is None else secret.get_secret_value(),
        settings.oidc_name,
    )
