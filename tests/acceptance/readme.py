"""The commands of README.md, which are marked with `<!-- run: NAME -->` above their block."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]


def blocks():
    """The marked blocks in the order of the page: name and commands."""
    text = (ROOT / "README.md").read_text()
    found = re.findall(r"^<!-- run: ([a-z-]+) -->\n```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert text.count("<!-- run:") == len(found), "a mark without a block of ```sh below it"
    return dict(found)
