"""A local BigQuery that speaks the real protocol: bqemulator, pinned and patched.

The rest of fsq does not import it; the ``emulator`` extra installs what it needs.
"""

from __future__ import annotations

import asyncio
import signal
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from fsq.errors import StoreError
from fsq.utils.extras import require_extra

Patch = Callable[[], None]


def serve(
    rest_port: int = 0,
    grpc_port: int = 0,
    data_dir: Path | None = None,
    project: str = "test-project",
    ready: Callable[[str, str], None] = lambda rest, grpc: None,
    patches: Iterable[Patch] | None = None,
) -> None:
    """Serve until interrupted by SIGINT or SIGTERM.

    Args:
        rest_port: port of the REST service on 127.0.0.1; 0 for a free one.
        grpc_port: port of the gRPC service; 0 for a free one.
        data_dir: folder for the tables; None to keep them in memory.
        project: default project of requests.
        ready: called once with the REST URL and the gRPC ``host:port``.
        patches: which patches to apply; by default all of ``fsq.emulator.patches``
            and ``fsq.emulator.rules``.

    Raises:
        InputError: the ``emulator`` extra is not installed.
        StoreError: a port is in use, or the folder cannot be used.
    """
    with require_extra("emulator", "the emulator cannot be started"):
        from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings
        from bqemulator.observability.logging_ import configure_logging

        configure_logging(
            level=LogLevel.CRITICAL, fmt=LogFormat.JSON
        )  # modules log while they are imported
        from bqemulator.server import EmulatorServer

        from fsq.emulator.patches import PATCHES, load_spatial
        from fsq.emulator.rules import RULES
    # Its own deprecation warnings are of no use here.
    warnings.simplefilter("ignore", DeprecationWarning)
    load_spatial()
    for patch in (*PATCHES, *RULES) if patches is None else patches:
        patch()
    settings = Settings(
        rest_port=rest_port,
        grpc_port=grpc_port,
        data_dir=data_dir,
        persistence_mode=PersistenceMode.PERSISTENT if data_dir else PersistenceMode.EPHEMERAL,
        default_project_id=project,
        log_level=LogLevel.CRITICAL,
        enable_format_extensions=False,  # they would be downloaded
    )

    async def run() -> None:
        server = EmulatorServer(settings)
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        try:
            await server.start()
            ready(server.rest_url, server.grpc_endpoint)
            await stopped.wait()
        finally:
            await server.stop()

    try:
        if data_dir is not None:
            data_dir.mkdir(parents=True, exist_ok=True)
        asyncio.run(run())
    except (OSError, RuntimeError, SystemExit) as error:
        reason = "a port is in use" if isinstance(error, SystemExit) else error
        raise StoreError(f"the emulator cannot be started: {reason}") from error
