"""The walk finds all files, in the byte order of their paths."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_stats_module.disk.walk import Folders, walk

pytestmark = [pytest.mark.once, pytest.mark.any_database]

_NAMES = st.binary(min_size=1, max_size=3).filter(
    lambda name: not set(name) & set(b"\0/") and name not in (b".", b"..")
) | st.sampled_from([b"a", b"a.b", b"a-b", b"a:", b"aa", b"a.", b"\xff", b"\n"])
_TREES = st.recursive(
    st.binary(max_size=3),
    lambda below: st.dictionaries(_NAMES, below, max_size=4),
    max_leaves=12,
)


def _make(path: bytes, tree: "bytes | dict[bytes, object]") -> None:
    if isinstance(tree, bytes):
        with open(path, "wb") as file:
            file.write(tree)
        return
    os.mkdir(path)
    for name, below in tree.items():
        _make(os.path.join(path, name), below)  # type: ignore[arg-type]


@given(tree=st.dictionaries(_NAMES, _TREES, max_size=4))
def test_order(tree: dict[bytes, object]) -> None:
    root = tempfile.mkdtemp().encode()
    try:
        _make(os.path.join(root, b"top"), tree)
        found = list(walk(root, b"top", Folders()))
        expected = {}
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                expected[path[len(root) + 1 :]] = os.path.getsize(path)
    finally:
        shutil.rmtree(root)

    paths = [file.path for file in found]
    assert paths == sorted(paths)
    assert {file.path: file.media_length for file in found} == expected


def test_what_du_and_find_count(tmp_path: Path) -> None:
    for number in range(50):
        folder = tmp_path / f"top/{number % 7}/{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(number)).write_bytes(b"x" * number * 200)
    (tmp_path / "top/empty/empty").mkdir(parents=True)
    # Else the file system may still change how many blocks the files take.
    os.sync()

    folders = Folders()
    allocated = sum(
        file.allocated_length for file in walk(os.fsencode(tmp_path), b"top", folders)
    )
    top = str(tmp_path / "top")
    du = subprocess.check_output(["du", "-s", "-B1", top], text=True)
    assert allocated + folders.allocated_length == int(du.split()[0])
    find = subprocess.check_output(["find", top, "-type", "d"], text=True)
    assert folders.count == len(find.splitlines())
    find = subprocess.check_output(["find", top, "-type", "d", "-empty"], text=True)
    assert folders.empty == len(find.splitlines())


def test_no_such_folder(tmp_path: Path) -> None:
    assert list(walk(os.fsencode(tmp_path), b"top", Folders())) == []


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "top").write_bytes(b"abc")
    (file,) = walk(os.fsencode(tmp_path), b"top", Folders())
    assert (file.path, file.media_length) == (b"top", 3)


def test_other_file_systems_are_walked_and_named(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("/dev/shm is no file system of its own")
    (tmp_path / "top").mkdir()
    folders = Folders()
    with tempfile.TemporaryDirectory(dir=memory) as elsewhere:
        (Path(elsewhere) / "file").write_bytes(b"abc")
        (tmp_path / "top/memory").symlink_to(elsewhere)
        (file,) = walk(os.fsencode(tmp_path), b"top", folders)
    assert file.path == b"top/memory/file"
    assert folders.other_file_systems == [b"top/memory"]
