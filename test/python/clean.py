"""Holds all Python that lmg writes to ruff as it is without any settings: rules and format. usage: clean.py FOLDER"""

import glob
import subprocess
import sys

from checks import check, failures


def ruff(*options):
    return subprocess.run([sys.executable, "-m", "ruff", *options, "--no-cache", "--isolated", sys.argv[1]]).returncode


if __name__ == "__main__":
    count = len(glob.glob(f"{sys.argv[1]}/**/*.py", recursive=True))
    check(f"what ruff finds in {count} files", ruff("check", "--quiet"), 0)
    check(f"what ruff formats otherwise in {count} files", ruff("format", "--check", "--quiet"), 0)
    sys.exit(f"{len(failures)} failed: {', '.join(failures)}" if failures else 0)
