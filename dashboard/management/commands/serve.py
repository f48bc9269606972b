"""`manage.py serve`: the site on daphne, stopped without cutting anybody off."""

from __future__ import annotations

import resource
import sys
from typing import Any

from daphne.access import AccessLogGenerator
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from chatlog.config import StoreSettings
from dashboard.server import DrainingServer
from dashboard.static_files import collect_if_stale


class Command(BaseCommand):
    help = "Serve the site until SIGTERM or Ctrl-C; then finish what is under way and stop within ten seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help=f"address to listen on (HOST, now {settings.HOST})")
        parser.add_argument("--port", type=int, default=settings.PORT, help=f"port, 0 for any (PORT, now {settings.PORT})")
        parser.add_argument("--access-log", action="store_true", help="print a line for each request")

    def handle(self, *, host: str, port: int, access_log: bool, **options: Any) -> None:
        _refuse_old_tables()
        _allow_many_sockets()
        collect_if_stale()
        from dashboard.asgi import application  # noqa: PLC0415  # builds the site, which wants the checks above first

        server = DrainingServer(
            application,
            host=host,
            port=port,
            when_listening=self._tell,
            action_logger=AccessLogGenerator(sys.stdout) if access_log else None,
        )
        server.run()
        if server.listen_failure is not None:
            raise CommandError(
                f"Cannot listen on {host}:{port}: {server.listen_failure} "
                "Stop what uses the port, or choose another with PORT=… or --port."
            )

    def _tell(self, address: str) -> None:
        self.stdout.write(f"Listening on {address} with discussions in {_store_name()}. Stop with Ctrl-C.")
        self.stdout.flush()


def _refuse_old_tables() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The tables for logins are missing or old. Run: python manage.py migrate")


def _allow_many_sockets() -> None:
    """Each open page is a file to the system, which allows 1,024 unless asked for what it would allow."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _store_name() -> str:
    where = StoreSettings.from_env()
    if where.cosmos is None:
        return f"the file {where.sqlite_path}"
    name = f"Cosmos DB at {where.cosmos.endpoint} ({where.cosmos.database_name}/{where.cosmos.container_name})"
    if where.cosmos.read_only:
        return f"{name}, which are another program's: they are only watched, and mirrored into {where.mirror_path}"
    return name
