"""Pictures are compressed harder, and stay PNGs of the same pixels."""

from __future__ import annotations

import zlib

from fsq.reporting.pictures import compress_png

START = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def read_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and data of each chunk, as a strict reader takes them."""
    assert png[:8] == START
    out, at = [], 8
    while at < len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert png[at + 8 + size : at + 12 + size] == zlib.crc32(kind + data).to_bytes(4, "big")
        out.append((kind, data))
        at += 12 + size
    return out


def test_a_compressed_png_has_the_same_pixels() -> None:
    pixels = b"\0" * 41 * 40
    stored = zlib.compress(pixels, 0)
    header = (40).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    parts = [chunk(b"IDAT", stored[:700]), chunk(b"IDAT", stored[700:])]
    png = START + chunk(b"IHDR", header) + b"".join(parts) + chunk(b"IEND", b"")
    small = compress_png(png)
    kinds = dict(read_chunks(small))
    assert [kind for kind, _ in read_chunks(small)] == [b"IHDR", b"IDAT", b"IEND"]
    assert kinds[b"IHDR"] == header
    assert zlib.decompress(kinds[b"IDAT"]) == pixels
    assert len(small) < len(png) / 4
