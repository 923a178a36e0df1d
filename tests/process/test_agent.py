#!/usr/bin/env python3
"""notch agent: the same seed gives the same agent, a stopped one goes on, what is wrong is refused."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

NOTCH = Path(os.environ["NOTCH_BUILD_DIR"]) / "notch"
OK, REFUSED, USAGE = range(3)
PATIENCE_S = 100


def agent(*args):
    return subprocess.run([str(NOTCH), "agent", *map(str, args)], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False)


class Agent(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "one.agent"
        self.other = Path(folder.name) / "other.agent"

    def ok(self, *args):
        done = agent(*args)
        self.assertEqual(done.returncode, OK, done.stderr)
        return done.stdout

    def refused(self, code, *args):
        done = agent(*args)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        self.assertIn("notch agent", done.stderr)

    def test_the_same_seed_is_the_same_agent_and_a_stopped_one_goes_on(self):
        common = ("train", "--env", "logit", "--seed", 3, "--hidden", 16, "--episodes", 5, "--json")
        whole = self.ok(*common, "--steps", 600, "--agent", self.file)
        self.assertEqual(whole, self.ok(*common, "--steps", 600))
        self.assertNotEqual(whole, self.ok("train", "--env", "logit", "--seed", 4, "--hidden", 16, "--episodes", 5,
                                           "--json", "--steps", 600))
        self.ok(*common, "--steps", 350, "--agent", self.other)
        self.assertEqual(whole, self.ok("train", "--resume", "--agent", self.other, "--steps", 600, "--episodes", 5,
                                        "--json"))
        self.assertEqual(self.file.read_bytes(), self.other.read_bytes())
        said = json.loads(whole)
        self.assertEqual([said["env"], said["seed"], said["steps"]], ["logit", "3", 600])
        self.assertEqual([step for step, _ in said["curve"]], [250, 500])
        self.assertEqual(said["evaluation"]["episodes"], 5)
        played = json.loads(self.ok("evaluate", "--agent", self.file, "--episodes", 5, "--json"))
        self.assertEqual(played["evaluation"], said["evaluation"])

    def test_every_world_can_be_learnt_in(self):
        for env in ("pendulum", "linear", "logit", "drift", "duopoly", "inventory"):
            for flags in ((), ("--prioritised",)):
                said = json.loads(self.ok("train", "--env", env, "--steps", 270, "--hidden", 4, "--episodes", 1,
                                          "--json", *flags))
                self.assertEqual(said["env"], env)
                self.assertEqual("price" in said["evaluation"], env != "pendulum")
        self.assertIn("regret", self.ok("train", "--env", "linear", "--teacher", "--steps", 260, "--hidden", 4))

    def test_what_is_wrong_is_refused(self):
        self.refused(USAGE, "train")
        self.refused(USAGE, "train", "--env", "casino")
        self.refused(USAGE, "train", "--env", "linear", "--steps", 0)
        self.refused(USAGE, "train", "--env", "pendulum", "--teacher")
        self.refused(USAGE, "train", "--env", "linear", "--resume")
        self.refused(USAGE, "evaluate", "--agent", self.file)
        self.ok("train", "--env", "linear", "--steps", 10, "--hidden", 4, "--agent", self.file, "--episodes", 1)
        self.refused(USAGE, "train", "--env", "logit", "--resume", "--agent", self.file)
        self.refused(USAGE, "train", "--resume", "--agent", self.file, "--steps", 5)
        self.file.write_bytes(self.file.read_bytes()[:-1])
        self.refused(REFUSED, "evaluate", "--agent", self.file)


if __name__ == "__main__":
    unittest.main()
