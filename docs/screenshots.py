"""Takes the README's pictures of the dashboard, and times it: `tox -e screenshots`.

It shows a real Synapse on SQLite with the sample data of the demo.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Response, expect

_ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests" / "dashboard")]

from dashboard_page import DashboardPage, chromium  # noqa: E402

from demo import sample  # noqa: E402
from demo.client import Account  # noqa: E402
from demo.homeserver import Homeserver  # noqa: E402

_PATH = "/_synapse/client/media_stats/"
_SERVER_NAME = "example.org"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--media", type=int, default=9_000)
    parser.add_argument("--remote", type=int, default=14_000)
    parser.add_argument("--out", type=Path, default=_ROOT / "docs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="media-stats-") as directory:
        homeserver = Homeserver(Path(directory), server_name=_SERVER_NAME, module={})
        with homeserver, chromium() as browser:
            admin = homeserver.register("admin", admin=True, displayname="Admin")
            sample.fill(
                Path(directory) / "homeserver.db",
                _SERVER_NAME,
                size=sample.Size(
                    users=args.users, local=args.media, remote=args.remote
                ),
            )
            _photograph(browser, homeserver.base_url + _PATH, admin, args.out)
            _measure(browser, homeserver.base_url + _PATH, admin)


def _photograph(browser: Browser, url: str, admin: Account, out: Path) -> None:
    for name, options in {
        "light": {"viewport": {"width": 1440, "height": 900}},
        "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
        "narrow": {"viewport": {"width": 400, "height": 860}},
    }.items():
        context = browser.new_context(**options)  # type: ignore[arg-type]
        dashboard = DashboardPage(context.new_page(), url)
        dashboard.sign_in(admin.access_token)
        picture = out / f"dashboard-{name}.png"
        # Only the top of the page: the whole is too long for a document.
        end = dashboard.section("By date").bounding_box()
        assert end is not None
        size = dashboard.page.viewport_size
        assert size is not None
        dashboard.page.screenshot(
            path=picture,
            full_page=True,
            clip={
                "x": 0,
                "y": 0,
                "width": size["width"],
                "height": end["y"] + end["height"] + 16,
            },
        )
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
        image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(
            picture, optimize=True
        )
    print(f"{picture}: {picture.stat().st_size // 1024} KiB")


def _measure(browser: Browser, url: str, admin: Account) -> None:
    """Print the size of the page, and the time until it shows a chart."""
    weights: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if "/v1/" not in response.url and "content-length" in response.headers:
            # As sent, so compressed.
            weights[response.url] = int(response.headers["content-length"])

    seconds = []
    for _ in range(5):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        dashboard = DashboardPage(context.new_page(), url)
        dashboard.page.on("response", weigh)
        dashboard.open()
        dashboard.page.wait_for_load_state("networkidle")
        started = time.monotonic()
        dashboard.submit_token(admin.access_token)
        expect(dashboard.section("By date").locator("canvas").first).to_be_visible()
        seconds.append(time.monotonic() - started)
        context.close()
    print(f"{len(weights)} files, {sum(weights.values()) / 1000:.0f} kB, as sent")
    print(f"From signing in to the chart: {statistics.median(seconds):.2f} s, median")


if __name__ == "__main__":
    main()
