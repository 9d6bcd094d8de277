""" "Who uploads": people, bridges, and accounts that are gone."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from browser_server import USERS, Server
from dashboard_page import DashboardPage, read_rows
from playwright.sync_api import Page, expect
from reading import files as files_in_words
from reading import human, share, total

pytestmark = [pytest.mark.once, pytest.mark.any_database]

# Markup, and longer than a line.
_BRIDGE = f"<i>discord</i>{'x' * 200}"


@pytest.fixture
def with_a_bridge(server: Server) -> Iterator[Server]:
    """Some users are a bridge's, some are deactivated; one has no account."""
    connection = sqlite3.connect(server.database, timeout=30)
    bridge = "UPDATE users SET appservice_id = ? WHERE name LIKE '@tied0%'"
    gone = "UPDATE users SET deactivated = ? WHERE name IN ({})".format(
        "'@tied00:example.org', '@backwards:example.org'"
    )
    imported = "UPDATE local_media_repository SET user_id = ? WHERE user_id = ?"
    uni, lost = "@uni:example.org", "@imported:example.org"
    with connection:
        connection.execute(bridge, (_BRIDGE,))
        connection.execute(gone, (1,))
        connection.execute("INSERT INTO erased_users VALUES ('@tied00:example.org')")
        connection.execute(imported, (lost, uni))
    yield server
    with connection:
        connection.execute(bridge, (None,))
        connection.execute(gone, (0,))
        connection.execute("DELETE FROM erased_users")
        connection.execute(imported, (uni, lost))
    connection.close()


def test_who_uploads(dashboard: DashboardPage, with_a_bridge: Server) -> None:
    server = with_a_bridge
    page = dashboard.page
    dashboard.sign_in(server.admin.access_token)
    section = dashboard.section("Who uploads")
    answer = server.ask("appservices")["appservices"]
    whole = total(answer)["media_length"]

    def row(label: str, each: dict[str, Any], prefix: str = "") -> list[str]:
        length = each[f"{prefix}media_length"]
        return [
            label,
            f"{each[f'{prefix}users']:,}",
            f"{each[f'{prefix}media_count']:,}",
            share(length, whole),
            human(length),
        ]

    people, bridge, lost = answer
    gone = {key: sum(each[key] for each in answer) for key in people if "deact" in key}
    assert read_rows(section) == [
        row("People", people),
        row(_BRIDGE, bridge),
        row("No account", lost),
        row("Deactivated, of all of these", gone, "deactivated_"),
    ]
    assert gone["deactivated_users"] == 2

    _expect_room(dashboard, "Who uploads")
    users = dashboard.section("Users")
    files = dashboard.section("Files")
    for only, query in (
        (_BRIDGE, {"appservice": _BRIDGE}),
        ("No account", {"has_account": "false"}),
        ("People", {"appservice": ""}),
    ):
        section.get_by_role("link", name=only, exact=True).click()
        expect(files.get_by_role("heading")).to_be_focused()
        dashboard.wait_until_loaded()
        expect(files.get_by_role("button", name="Only: ")).to_have_text(
            f"Only: {only} ✕"
        )
        largest = {"order_by": "media_length", "dir": "b"}
        assert [row[0].split("\n")[-1] for row in read_rows(files)] == [
            file["mxc"]
            for file in server.ask("files", {**query, **largest, "limit": 20})["files"]
        ]
        section.get_by_role("link", name=f": {only}").click()
        expect(users.get_by_role("heading")).to_be_focused()
        dashboard.wait_until_loaded()
        expected = server.ask(
            "users", {**query, "order_by": "media_length", "dir": "b", "limit": 10}
        )
        assert dashboard.owners("Users") == [
            user["user_id"] for user in expected["users"]
        ]
        expect(users.get_by_role("button", name="Only: ")).to_have_text(
            f"Only: {only} ✕"
        )
        _expect_width(page)
    page.reload()
    dashboard.wait_until_loaded()
    expect(users.locator(".where")).to_contain_text(f"of {expected['total']}")
    users.get_by_role("button", name="Only: ").click()
    dashboard.wait_until_loaded()
    expect(users.locator(".where")).to_contain_text(f"of {USERS}")
    section.get_by_role("link", name="users: Deactivated").click()
    dashboard.wait_until_loaded()
    assert set(dashboard.owners("Users")) == {
        "@tied00:example.org",
        "@backwards:example.org",
    }

    # The dialog of one of them.
    dialog = dashboard.open_user("tied00")
    marks = dialog.locator(".account-of .mark")
    expect(marks).to_have_text([f"of the application service {_BRIDGE}", "erased"])
    _expect_width(page)
    page.goto(f"{dashboard.url}#user=@imported:example.org")
    expect(marks).to_have_text(["no account"])
    # Synapse's own deletion answers 404 there.
    step = dialog.get_by_role("region", name="Delete all files of this user")
    expect(step).to_contain_text("only where there is an account")
    expect(step.locator("pre")).to_have_count(0)


def _expect_room(dashboard: DashboardPage, name: str) -> None:
    """Look at a table on a small screen."""
    page = dashboard.page
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": 240, "height": 600})
    table = dashboard.section(name).get_by_role("table")
    assert table.evaluate("table => table.getBoundingClientRect().right <= innerWidth")
    page.set_viewport_size(size)
    _expect_width(page)


def _expect_width(page: Page) -> None:
    assert page.evaluate(
        "[document.scrollingElement, ...document.querySelectorAll('dialog')]"
        ".every(each => each.scrollWidth <= innerWidth)"
    )


def test_people_alone_need_no_table(signed_in: DashboardPage) -> None:
    expect(signed_in.page.locator("main .appservices")).to_be_hidden()


def test_sets_of_copies(signed_in: DashboardPage, server: Server) -> None:
    section = signed_in.page.get_by_role("region", name="Duplicates")
    section.get_by_role("button", name="Look for duplicates").click()
    signed_in.wait_until_loaded()
    all_copies = server.ask("summary", {"duplicates": "true"})["duplicates"]
    expect(section.locator(".content p")).to_have_text(
        "This version of Synapse does not keep the hashes of files."
        if all_copies is None
        else f"{human(all_copies['media_length'])} in "
        f"{files_in_words(all_copies['media_count'])} that are copies of another file."
    )
    sets = server.ask("duplicates")["duplicates"]
    if not sets:
        return
    assert read_rows(section) == [
        [
            f"{each['sha256'][:12]}\N{HORIZONTAL ELLIPSIS}",
            human(each["media_length"]),
            str(each["local_copies"]),
            str(each["remote_copies"]),
            human(each["duplicate_length"]),
        ]
        for each in sets
    ]
    _expect_room(signed_in, "Duplicates")
    section.get_by_role("link").first.click()
    signed_in.wait_until_loaded()
    files = signed_in.section("Files")
    copies = files.get_by_role("button", name="Only copies: ")
    expect(copies).to_contain_text(sets[0]["sha256"][:12])
    expect(files.locator("tbody tr")).to_have_count(sets[0]["copies"])
    copies.click()
    signed_in.wait_until_loaded()
    expect(copies).to_have_count(0)
    expect(files.locator("tbody tr")).to_have_count(20)
