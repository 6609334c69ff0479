"""The command line: parses, calls the library, prints. Nothing else imports it."""

from fsq.cli.app import main

__all__ = ["main"]
