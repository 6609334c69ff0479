"""One process that feeds a target with inputs and notes what came of each."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import resource
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random

import typer.main

from fsq.errors import FsqError
from tests.fuzz.targets import TARGETS, Target, WrongError

__all__ = ["TARGETS", "work"]


def work(
    name: str, seed: int, numbers: Iterable[int], folder: Path, memory: int, seconds: float
) -> None:
    """Feed a target; ``folder/log`` gets a line when an input begins and one when it ends."""
    # Every call of the command builds its tree of commands anew; here, once is enough.
    typer.main.get_command = cache(typer.main.get_command)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    logging.getLogger("fsq").setLevel(logging.CRITICAL)
    place = folder / "in"
    place.mkdir()
    os.chdir(place)
    with (folder / "log").open("w") as log:
        for number in numbers:
            print(json.dumps({"number": number}), file=log, flush=True)
            faulthandler.dump_traceback_later(seconds, exit=True)
            began = time.perf_counter()
            what = outcome(TARGETS[name], Random(f"{seed}:{name}:{number}"), place)
            faulthandler.cancel_dump_traceback_later()
            if left := sorted(f.name for f in folder.iterdir() if f.name not in ("in", "log")):
                what = f"wrote {left} outside the folder that was named"
            took = round(time.perf_counter() - began, 3)
            print(json.dumps({"number": number, "what": what, "took": took}), file=log, flush=True)


def outcome(target: Target, rng: Random, place: Path) -> str:
    """``answered``, ``refused``, or what went wrong."""
    try:
        return "answered" if target.run(rng, place) else "refused"
    except FsqError:
        return "refused"
    except WrongError as error:
        return f"wrong: {error}"
    except BaseException as error:  # a panic of Rust's is no Exception
        where = ""
        frame = error.__traceback__
        while frame is not None:
            code = frame.tb_frame.f_code
            if "/fsq/" in code.co_filename:
                where = f"{Path(code.co_filename).name}:{frame.tb_lineno}"
            frame = frame.tb_next
        return f"{type(error).__name__} at {where}: {str(error)[:150]!r}"
