"""Takes the README's pictures of the dashboard, and times it: `tox -e screenshots`.

A real Synapse on SQLite with rollups; users, files and cached files are written right
into its database, dated over two years. The same numbers come out every time but for
the dates, which end today.
"""

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Response, expect

_ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from dashboard_page import DashboardPage, chromium  # noqa: E402

from demo.client import Account  # noqa: E402
from demo.homeserver import Homeserver  # noqa: E402

_PATH = "/_synapse/client/media_stats/"
_SERVER_NAME = "example.org"
_DAY_MS = 24 * 60 * 60 * 1000
_SPAN_MS = 2 * 365 * _DAY_MS

_NAMES = (
    *("Alice Ahlström", "Bob", "Carla Núñez", "Dora", "Erik", "Φαίδρα", "Grete"),
    *("Hugo", "Ines", "Jo", "Karl", "Лена", "Mo", "Nina", "Özlem", "Paul"),
)
_SERVERS = (
    *("matrix.example.com", "chat.example.net", "home.example", "uni.example.edu"),
    *("mx.example.info", "[2001:db8::1]:8448", "xn--mnchen-3ya.example"),
)
# How often files have a type, and the logarithm of how long most of them are.
_TYPES = (
    (("image/jpeg", 12.8), 6),
    (("image/png", 12.2), 4),
    (("video/mp4", 16.0), 2),
    (("audio/ogg", 13.2), 2),
    (("application/pdf", 13.0), 2),
    (("text/plain", 9.0), 1),
    (("application/zip", 14.0), 1),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--media", type=int, default=9_000)
    parser.add_argument("--remote", type=int, default=14_000)
    parser.add_argument("--out", type=Path, default=_ROOT / "docs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="media-stats-") as directory:
        homeserver = Homeserver(
            Path(directory), server_name=_SERVER_NAME, module={"rollups": True}
        )
        with homeserver, chromium() as browser:
            admin = homeserver.register("admin", admin=True, displayname="Admin")
            _fill(Path(directory) / "homeserver.db", args)
            # Whatever the rollups have to do now is done before anybody looks.
            _wait_for_rollups(homeserver, admin)
            _photograph(browser, homeserver.base_url + _PATH, admin, args.out)
            _measure(browser, homeserver.base_url + _PATH, admin)


def _fill(database: Path, args: argparse.Namespace) -> None:
    rng = random.Random(1)
    now = int(time.time() * 1000)
    user_ids = [f"@user{number:03}:{_SERVER_NAME}" for number in range(args.users)]
    connection = sqlite3.connect(database, timeout=60)
    with connection:
        connection.executemany(
            "INSERT INTO profiles (user_id, full_user_id, displayname) "
            "VALUES (?, ?, ?)",
            (
                (f"user{number:03}", user_id, _displayname(number))
                for number, user_id in enumerate(user_ids)
            ),
        )
        connection.executemany(
            "INSERT INTO local_media_repository (media_id, media_type, media_length, "
            "created_ts, last_access_ts, upload_name, user_id, url_cache, "
            "quarantined_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _local_media(rng, now, args.media, user_ids),
        )
        connection.execute(
            "INSERT INTO local_media_repository_thumbnails (media_id, "
            "thumbnail_width, thumbnail_height, thumbnail_type, thumbnail_method, "
            "thumbnail_length) SELECT media_id, 320, 240, 'image/jpeg', 'scale', "
            "media_length / 12 + 3000 FROM local_media_repository "
            "WHERE media_type LIKE 'image/%'"
        )
        connection.executemany(
            "INSERT INTO remote_media_cache (media_origin, media_id, media_type, "
            "media_length, filesystem_id, created_ts, last_access_ts) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            _remote_media(rng, now, args.remote),
        )
    connection.close()


def _displayname(number: int) -> str | None:
    if number < len(_NAMES):
        return _NAMES[number]
    return None if number % 5 == 0 else f"User {number}"


def _local_media(
    rng: random.Random, now: int, count: int, user_ids: list[str]
) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        media_type, length = _file(rng)
        created_ts = _created_ts(rng, now)
        yield (
            f"local{number:019}",
            media_type,
            length,
            created_ts,
            rng.choice((None, min(now, created_ts + rng.randrange(90 * _DAY_MS)))),
            f"file {number}.{media_type.partition('/')[2]}",
            # Everybody has a file; a few have most of them.
            user_ids[number]
            if number < len(user_ids)
            else user_ids[int(rng.random() ** 2.5 * len(user_ids))],
            "https://example.com/" if number % 13 == 0 else None,
            f"@admin:{_SERVER_NAME}" if number % 211 == 0 else None,
        )


def _remote_media(
    rng: random.Random, now: int, count: int
) -> Iterator[tuple[Any, ...]]:
    servers = [*_SERVERS, *(f"s{number}.example.net" for number in range(44))]
    for number in range(count):
        media_type, length = _file(rng)
        created_ts = _created_ts(rng, now)
        yield (
            servers[int(rng.random() ** 3 * len(servers))],
            f"remote{number}",
            media_type,
            length,
            f"cached{number}",
            created_ts,
            created_ts,
        )


def _file(rng: random.Random) -> tuple[str, int]:
    ((media_type, length),) = rng.choices(
        [kind for kind, _ in _TYPES], weights=[often for _, often in _TYPES]
    )
    return media_type, int(rng.lognormvariate(length, 1.1))


def _created_ts(rng: random.Random, now: int) -> int:
    # More of late than long ago.
    return int(now - rng.betavariate(1, 2.2) * _SPAN_MS)


def _wait_for_rollups(homeserver: Homeserver, admin: Account) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        state = homeserver.client.request(
            "GET", f"{_PATH}v1/rollups", token=admin.access_token
        ).json()
        totals = state["rollups"].values()
        if totals and all(
            total["phase"] == "ready" and total["unfolded_changes"] == 0
            for total in totals
        ):
            return
        time.sleep(1)
    raise TimeoutError("The rollups did not get ready")


def _photograph(browser: Browser, url: str, admin: Account, out: Path) -> None:
    for name, options in {
        "light": {"viewport": {"width": 1280, "height": 900}},
        "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
        "narrow": {"viewport": {"width": 400, "height": 860}},
    }.items():
        context = browser.new_context(**options)  # type: ignore[arg-type]
        dashboard = DashboardPage(context.new_page(), url)
        dashboard.sign_in(admin.access_token)
        picture = out / f"dashboard-{name}.png"
        dashboard.page.screenshot(path=picture, full_page=True)
        _shrink(picture)
        if name == "light":
            dashboard.section("Users").locator(".open").first.click()
            dialog = dashboard.page.get_by_role("dialog")
            expect(dialog.locator(".files tbody tr").first).to_be_visible()
            expect(dialog.locator("canvas").first).to_be_visible()
            picture = out / "dashboard-user.png"
            dashboard.page.screenshot(path=picture)
            _shrink(picture)
        context.close()


def _shrink(picture: Path) -> None:
    with Image.open(picture) as image:
        image.convert("RGB").quantize(256).save(picture, optimize=True)
    print(f"{picture}: {picture.stat().st_size // 1024} KiB")


def _measure(browser: Browser, url: str, admin: Account) -> None:
    """Print what the page weighs, and how long it takes until there is a chart."""
    weights: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if "/v1/" not in response.url:
            weights[response.url] = len(response.body())

    seconds = []
    for _ in range(5):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        dashboard = DashboardPage(context.new_page(), url)
        dashboard.page.on("response", weigh)
        dashboard.open()
        dashboard.page.wait_for_load_state("networkidle")
        started = time.monotonic()
        dashboard.submit_token(admin.access_token)
        expect(dashboard.section("Growth").locator("canvas").first).to_be_visible()
        seconds.append(time.monotonic() - started)
        context.close()
    print(f"{len(weights)} files, {sum(weights.values()) / 1024:.0f} KiB")
    print(f"From signing in to the chart: {statistics.median(seconds):.2f} s, median")


if __name__ == "__main__":
    main()
