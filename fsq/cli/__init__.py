"""The command line: parses arguments, calls the library, prints. Nothing imports it."""

from fsq.cli.app import main

__all__ = ["main"]
