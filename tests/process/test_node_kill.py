#!/usr/bin/env python3
"""kill -9 of a real notchd under load: what it acknowledged is there, once, and its state is that of a replay.

Three kills here; contrib/campaign makes hundreds. Also: the checker finds what is missing, and a short steady load.
"""

import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "campaign"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import node_runs  # noqa: E402


class Kill(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.dir = pathlib.Path(holder.name)

    def test_nothing_acknowledged_is_lost(self):
        found = node_runs.kills(self.dir, 3, first=int(os.environ.get("NOTCH_TEST_SEED", "1")), rate=1000)
        self.assertGreater(found["acknowledged"], 0)
        self.assertEqual((found["lost"], found["duplicated"], found["replay_equal"]), (0, 0, True))

        promised = self.dir / "promised"
        promised.write_text("00" * 32 + "\n")
        with self.assertRaisesRegex(AssertionError, '"lost":1'):
            node_runs.check_chain(self.dir / "chain", [promised])

    def test_a_steady_load(self):
        found = node_runs.soak(self.dir, 0.05, rate=200)
        self.assertGreater(found["records"], 200)
        self.assertGreater(found["rss_peak_mib"], 1)


if __name__ == "__main__":
    unittest.main()
