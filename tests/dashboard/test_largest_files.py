"""The list of the server's files, in each order."""

import pytest
from browser_server import SOURCES, Server
from dashboard_page import DashboardPage, read_rows
from numbers_support import LABELS, file_row
from playwright.sync_api import expect

pytestmark = pytest.mark.once


@pytest.mark.parametrize("source", SOURCES)
def test_files_of_the_server(
    signed_in: DashboardPage, server: Server, source: str
) -> None:
    asked: list[str] = []
    signed_in.page.on("request", lambda request: asked.append(request.url))
    section = signed_in.section("Files")
    section.get_by_role("button", name="List the largest files").click()
    signed_in.wait_until_loaded()
    section.get_by_role("radio", name=LABELS[source]).check()
    for label, order in (
        ("Largest first", "media_length b"),
        ("Newest first", "created_ts b"),
        ("Oldest first", "created_ts f"),
        ("Least recently read first", "last_access_ts f"),
    ):
        section.get_by_label("Order of the files").select_option(label)
        signed_in.wait_until_loaded()
        order_by, direction = order.split()
        found = server.ask(
            "files",
            {"source": source, "order_by": order_by, "dir": direction, "limit": 20},
        )["files"]
        assert read_rows(section) == [file_row(file, source) for file in found]

    opener = section.locator(".open").first
    name = opener.inner_text()
    opener.click()
    expect(signed_in.page.get_by_role("dialog")).to_contain_text(name)
