"""Who uploads what in the demo."""

from collections.abc import Callable
from io import BytesIO

import attr
from PIL import Image


@attr.s(frozen=True, auto_attribs=True)
class File:
    """A file to upload.

    Attributes:
        name: with an ending.
        media_type: such as `image/png`.
        read: returns what is in it.
    """

    name: str
    media_type: str
    read: Callable[[], bytes]


@attr.s(frozen=True, auto_attribs=True)
class Person:
    """Somebody to register.

    Attributes:
        localpart: of the user ID.
        displayname: in any script.
        files: what they upload.
    """

    localpart: str
    displayname: str
    files: tuple[File, ...]


def _picture(name: str, width: int, height: int) -> File:
    def read() -> bytes:
        # Noise, on a slope: like a photograph, it does not compress well.
        slope = Image.linear_gradient("L").resize((width, height))
        noise = Image.effect_noise((width, height), 60)
        file = BytesIO()
        Image.merge("RGB", (slope, noise, slope.rotate(180))).save(file, "PNG")
        return file.getvalue()

    return File(name, "image/png", read)


def _text(name: str, text: str) -> File:
    return File(name, "text/plain", text.encode)


PEOPLE = (
    Person(
        "alice",
        "Alice",
        (
            _picture("mountains.png", 1000, 750),
            _picture("lake.png", 800, 600),
            _picture("cat.png", 400, 300),
        ),
    ),
    Person(
        "bob",
        "Bob",
        (
            _text("shopping.txt", "Bread, butter, a new hard disk.\n"),
            _text("ideas.txt", "One more backup.\n" * 500),
        ),
    ),
    Person(
        "chandra",
        "चन्द्रा",
        (_picture("avatar.png", 128, 128), _text("श्लोक.txt", "नमस्ते\n")),
    ),
    Person("dora", "Dora", (_picture("poster.png", 1200, 1200),)),
    Person("erik", "Erik, who uploads nothing", ()),
)
