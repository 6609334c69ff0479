"""Templates, compiled once and kept as Python keeps compiled modules: beside them."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from fsq.errors import StoreError
from fsq.utils.files import write_atomically


class KeptTemplates(BytecodeCache):
    """Keeps each template's code; that of another text or another Jinja is not taken."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read what is kept of a template; nothing if it is of another text, or not whole."""
        with suppress(OSError), _name_file(bucket).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template's code, where modules may be kept."""
        if not sys.dont_write_bytecode:
            with suppress(StoreError):  # a package that cannot be written to is no failure
                write_atomically(_name_file(bucket), bucket.bytecode_to_string())


def _name_file(bucket: Bucket) -> Path:
    name = f"{bucket.key}.jinja-{version('jinja2')}"
    return Path(cache_from_source(__file__)).with_name(name)
