"""The files that are really uploaded in the demo."""

from collections.abc import Callable
from io import BytesIO

import attr
from PIL import Image


@attr.frozen
class File:
    """A file to upload.

    Attributes:
        name: its name, with a suffix.
        media_type: such as `image/png`.
        read: returns its content.
    """

    name: str
    media_type: str
    read: Callable[[], bytes]


@attr.frozen
class Person:
    """A user to register.

    Attributes:
        localpart: the localpart of the user ID.
        displayname: the displayname, in any script.
        files: the files to upload. The first becomes the avatar if it is a picture.
    """

    localpart: str
    displayname: str
    files: tuple[File, ...]


def _picture(name: str, width: int, height: int) -> File:
    def read() -> bytes:
        # Noise on a slope. Like a photograph, it does not compress well.
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
        "Alice Ahlström",
        (
            _picture("avatar.png", 128, 128),
            _picture("mountains.png", 1000, 750),
            _picture("lake.png", 800, 600),
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
        (_picture("avatar.png", 96, 96), _text("श्लोक.txt", "नमस्ते\n")),
    ),
    Person("dora", "Dora", (_picture("poster.png", 1200, 1200),)),
)
