"""What makes the page self-contained and safe: its style, its scripts, its policy, its data.

The content security policy allows each script by its hash, so text from the data can never run.
Vega runs in interpreted mode, since generated code would need ``unsafe-eval``.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from fsq.errors import StoreError
from fsq.utils.documents import encode_json
from fsq.utils.files import write_atomically
from fsq.utils.palette import DARK_THEME, LIGHT_THEME, make_css_variables

# Escaped in the page's data, so that nothing can end its script element or a line of JavaScript.
_ESCAPED = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
# What a script that was kept in full ends with.
_END = "\n// whole\n"


def make_style() -> str:
    """Make the style sheet, with the colours of both themes."""
    style = _read_asset("page.css")
    for name, theme in (("light", LIGHT_THEME), ("dark", DARK_THEME)):
        style = style.replace(f"--theme: {name};", make_css_variables(theme))
    return style


def make_scripts() -> dict[str, str]:
    """Make the page's scripts, by name, in the order in which the policy lists them."""
    return {"vega": _make_vega_bundle(), "page": _read_asset("age.js") + _read_asset("page.js")}


def make_index_script() -> str:
    """Make the script of the page that lists all stores."""
    return _read_asset("age.js") + _read_asset("index.js")


def make_policy(scripts: Iterable[str]) -> str:
    """Make the content security policy, which allows these scripts and nothing else."""
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{h}'" for h in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def embed_json(data: Any) -> str:
    """Write JSON that cannot end the script element that holds it."""
    text = encode_json(data, separators=(",", ":"))
    for character, escaped in _ESCAPED.items():
        text = text.replace(character, escaped)
    return text


def _read_asset(name: str) -> str:
    return files("fsq.reporting").joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _make_vega_bundle() -> str:
    """Make one script of Vega, Vega-Lite and Vega-Embed, from the copies in vl-convert.

    Making it takes a second, so it is kept as Python keeps compiled modules: beside them, where
    they may be written.
    """
    import vl_convert

    newest = max(vl_convert.get_vegalite_versions(), key=lambda v: [int(p) for p in v.split(".")])
    name = f"vega.{version('vl-convert-python')}.{newest}.js"
    kept = Path(cache_from_source(__file__)).with_name(name)
    with suppress(OSError, UnicodeDecodeError):
        if (text := kept.read_text(encoding="utf-8")).endswith(_END):
            return text
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=newest)
    # These occur in strings only; HTML would take them as the end of the script.
    bundle = bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--") + _END
    if not sys.dont_write_bytecode:
        with suppress(StoreError):  # a package that cannot be written to is no failure
            write_atomically(kept, bundle)
    return bundle
