"""Build the wheel and the sdist twice, apart in place and in time, and keep them if they are equal.

What git has is built, and nothing else that may lie about. ``python .ci/build.py`` leaves both in
``dist/``, and prints their digests.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"


def git(*arguments: str) -> bytes:
    """Return what git prints."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def build(commit: str, folder: Path) -> dict[str, bytes]:
    """Return the files that are built of a commit in a folder of its own, by name."""
    source, out = folder / "source", folder / "out"
    source.mkdir()
    subprocess.run(["tar", "-x", "-C", source], input=git("archive", commit), check=True)
    when = git("show", "--no-patch", "--format=%ct", commit).decode().strip()
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source],
        env=os.environ | {"SOURCE_DATE_EPOCH": when},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def main() -> None:
    """Build twice, compare, check, keep."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        first = build("HEAD", Path(one))
        time.sleep(2.0)  # the times in a zip file are of two seconds
        if build("HEAD", Path(other)) != first:
            sys.exit("two builds of one commit differ: nothing is kept")
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    for name, content in first.items():
        (DIST / name).write_bytes(content)
        print(hashlib.sha256(content).hexdigest(), name)
    check = [sys.executable, "-m", "twine", "--no-color", "check", "--strict"]
    subprocess.run([*check, *sorted(DIST.iterdir())], check=True)


if __name__ == "__main__":
    main()
