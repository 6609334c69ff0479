"""A wire to a server that can be cut: what a network does to clients, at moments of our choice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# What a wire may do.
#   open    passes everything on
#   gone    refuses connections, as a server does that has ended
#   silent  takes connections and requests, and never answers, as a network does that drops packets
#   deaf    passes requests on, and cuts the connection instead of answering
STATES = ("open", "gone", "silent", "deaf")


class Wire:
    """Stands before a server; a process of its own, since clients may hold Python's lock.

    Attributes:
        port: where clients are to connect.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.port = int(process.stdout.readline())

    def set(self, state: str, answers: int = 0) -> None:
        """Behave otherwise from now on; what is open is cut, unless the wire becomes deaf.

        Args:
            state: one of ``STATES``.
            answers: pass on so many answers before.
        """
        assert state in STATES
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{state} {answers}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextmanager
def lay_wire(port: int) -> Iterator[Wire]:
    """Lay a wire to a port of this machine."""
    words = [sys.executable, "-m", "tests.support.wire", str(port)]
    process = subprocess.Popen(
        words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Wire(process)
    finally:
        process.terminate()
        process.communicate(timeout=20)


class _Switch:
    """The side of a wire that listens."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self.state, self.after, self.answers = "open", "open", 0
        self.server: asyncio.Server | None = None
        self.open: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def change(self, state: str, answers: int) -> None:
        if answers:
            self.after, self.answers = state, answers
            return
        self.state = self.after = state
        self.answers = 0
        if state == "gone" and self.server is not None:
            self.server.close()
            self.server = None
        elif state != "gone" and self.server is None:
            await self.listen()
        if state != "deaf":
            for writer in [*self.open]:
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, there = await asyncio.open_connection("127.0.0.1", self.target)
        self.open |= {writer, there}
        try:
            await asyncio.gather(self.pass_requests(reader, there), self.pass_answers(back, writer))
        except OSError:
            pass
        finally:
            for side in (writer, there):
                self.open.discard(side)
                side.transport.abort()

    async def pass_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            if self.state != "silent":
                writer.write(data)
                await writer.drain()
        if self.state != "silent":
            writer.write_eof()

    async def pass_answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            if self.answers:
                self.answers -= 1
                if not self.answers:
                    await self.change(self.after, 0)
            if self.state == "deaf":
                raise ConnectionAbortedError
            if self.state == "open":
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.write_eof()


async def _main(target: int) -> None:
    switch = _Switch(target)
    await switch.listen()
    print(switch.port, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        state, answers = line.split()
        await switch.change(state, int(answers))
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
