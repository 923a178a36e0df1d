#!/usr/bin/env python3
"""The tour of README.md, run as it stands: every block of `sh`, in order, in one shell."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from notchd import BUILD

SOURCE = Path(os.environ.get("NOTCH_SOURCE_DIR", ".")).resolve()


class Readme(unittest.TestCase):
    def setUp(self):
        self.text = (SOURCE / "README.md").read_text()

    def test_the_tour(self):
        blocks = re.findall(r"^```sh\n(.*?)^```", self.text, re.M | re.S)
        self.assertGreater(len(blocks), 2)
        with tempfile.TemporaryDirectory() as folder:
            # What the reader has around: the tree, the programs on the path, a folder to work in.
            (Path(folder) / "contrib").symlink_to(SOURCE / "contrib")
            script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || :; wait' EXIT\n" + "\n".join(blocks)
            clean = {key: value for key, value in os.environ.items() if not key.startswith("NOTCH_")}
            done = subprocess.run(["bash", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
                                  env={**clean, "PATH": f"{BUILD.resolve()}:{os.environ['PATH']}", "HOME": folder})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("valid: the entry is final on this chain", done.stdout)
        self.assertIn("known already      45 records", done.stdout)

    def test_the_two_commands(self):
        named = re.findall(r"^    (contrib/\S+)(.*)$", self.text, re.M)
        self.assertIn("contrib/devnet", [name for name, _ in named])
        self.assertIn("contrib/check", [name for name, _ in named])
        for name, rest in named:
            usage = subprocess.run([str(SOURCE / name), "--help"], capture_output=True, text=True, timeout=60,
                                   check=False)
            self.assertEqual(usage.returncode, 0, name)
            for option in re.findall(r"(?<=\s)(--?[a-z]+)", rest.split("  ")[0]):
                self.assertIn(option, usage.stdout, name)

    def test_what_it_points_to_is_there(self):
        for target in re.findall(r"`([a-z_]+/[A-Za-z_./]+)`", self.text):
            if not target.endswith("/") and not target.startswith("build/"):
                self.assertTrue((SOURCE / target).exists(), target)


if __name__ == "__main__":
    unittest.main()
