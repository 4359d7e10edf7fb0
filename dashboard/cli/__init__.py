"""The command line `commonhold`: speaks HTTP to the Dashboard API, from any machine. It imports no Django."""

from dashboard.cli.commands import main as main
