"""The README's map names files that exist."""

import re
from pathlib import Path

import pytest

import edge

FOLDER = Path(edge.__file__).parent
MAPS = re.findall(r"^```\n(.*?)^```", (FOLDER / "README.md").read_text(), re.MULTILINE | re.DOTALL)
LINES = [line for each in MAPS for line in each.splitlines() if not line.startswith("kernel")]


@pytest.mark.parametrize("line", LINES)
def test_every_file_on_the_map_exists(line: str) -> None:
    folder, paths = "", []
    for name in re.split(r"\s{2,}", line)[0].split():
        if name.endswith("/"):
            folder = name
        else:
            paths.append(f"{folder}{name}.py" if "/" not in name else f"{name}.py")

    assert paths
    assert [path for path in paths if not (FOLDER / path).exists()] == []
