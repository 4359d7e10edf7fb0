import os
import runpy
import signal
import socket
import sys
from argparse import ArgumentParser
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from dashboard import children, embedded, embedded_valkey, running
from dashboard.embedded_server import EmbeddedServerError


class Command(BaseCommand):
    help = "Run everything on this machine: embedded servers, migrations, first bootstrap, web server, worker, pump."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stop", action="store_true", help="Stop what an earlier `up` started.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stop() if options["stop"] else self.run()
        except (EmbeddedServerError, OSError) as error:
            raise CommandError(str(error)) from error

    def stop(self) -> None:
        was_running = running.stop(settings.VAR_DIR)
        stop_servers()
        self.stdout.write("Commonhold has stopped." if was_running else "Commonhold was not running.")

    def run(self) -> None:
        port = wanted_port()
        claim(port)
        heed_signals()
        try:
            prepare()
            self.stdout.write(f"\n{sign_in()}\n\nOpen   http://127.0.0.1:{port}/\nStop   Ctrl-C\n")
            if not settings.GATEWAY_REDIS_URL:
                self.stdout.write("Gateways wait for a Redis: install valkey-server, or set GATEWAY_REDIS_URL.")
            self.stdout.flush()
            serve()
        finally:  # after Ctrl-C too: nothing that was started may stay
            stop_servers()


def wanted_port() -> int:
    """Read gunicorn's settings for it, so that a wrong one stops us before anything is started."""
    port: int = runpy.run_path(str(settings.BASE_DIR / "gunicorn.conf.py"))["port"]
    return port


def claim(port: int) -> None:
    """Make sure that no other `up` runs here and that the port is free, before anything is started."""
    if not running.claim(settings.VAR_DIR, port):
        other = running.found(settings.VAR_DIR)
        where = f" at http://127.0.0.1:{other[1]}/" if other else ""
        raise CommandError(f"Commonhold is already running{where}; `make stop` stops it.")
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(f"PORT {port} cannot be used: {os.strerror(error.errno or 0)}.") from error


def heed_signals() -> None:
    """End as by Ctrl-C when told to, and when the terminal closes, unless nohup has said otherwise."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)


def prepare() -> None:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns where it is missing
    if settings.EMBEDDED_DATABASE:
        os.set_inheritable(embedded.join_users(settings.VAR_DIR), True)
        embedded.start(settings.VAR_DIR)
    if settings.EMBEDDED_VALKEY:
        embedded_valkey.start(settings.VAR_DIR, settings.GATEWAY_REDIS_URL)
    if settings.DATABASE_OWNER:
        call_command("migrate", verbosity=0)
    call_command("check", databases=["default"], stdout=StringIO())


def sign_in() -> str:
    """Return who may sign in; with the password only at the first start, when `bootstrap` makes it."""
    out = StringIO()
    call_command("bootstrap", stdout=out)
    return out.getvalue().strip()


def serve() -> None:
    """Run the web server, the worker and the pump until we are told to stop."""
    connection.close()
    os.chdir(settings.BASE_DIR)
    words = ["--config", "gunicorn.conf.py", "--log-level", "warning", "dashboard.wsgi"]
    web = [sys.executable, "-m", "gunicorn", *words]
    try:
        code = children.serve(web, {name: [sys.executable, "manage.py", name] for name in ("worker", "pump")})
    except KeyboardInterrupt:
        return
    raise CommandError(f"The web server has ended by itself, with {code}.")


def stop_servers() -> None:
    try:
        if settings.EMBEDDED_VALKEY:
            embedded_valkey.stop(settings.VAR_DIR)
    finally:
        if settings.EMBEDDED_DATABASE:
            embedded.stop(settings.VAR_DIR)
