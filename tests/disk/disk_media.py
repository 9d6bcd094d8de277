"""Media for a real Synapse, and the paths of its files."""

import struct
import zlib


def local_path(media_id: str) -> str:
    return f"local_content/{media_id[:2]}/{media_id[2:4]}/{media_id[4:]}"


def picture(width: int, height: int) -> bytes:
    """A PNG of one colour, for which Synapse makes thumbnails."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    lines = (b"\0" + b"\x20\x40\x60" * width) * height
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )
