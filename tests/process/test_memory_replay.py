#!/usr/bin/env python3
"""notch memory replay: the figures of the design, what it refuses, what it keeps; no node runs."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ.get("NOTCH_BUILD_DIR", "."))
NOTCH = BUILD / "notch"
OK, REFUSED, USAGE = range(3)
HISTORY = "10,12,15,11,13"


def notch(*args):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NOTCH_")}
    return subprocess.run([str(NOTCH.resolve()), "memory", "replay", *map(str, args)], capture_output=True, text=True,
                          timeout=120, check=False, env=clean, stdin=subprocess.DEVNULL)


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def write(self, text, name="rows.csv"):
        path = self.dir / name
        path.write_text(text)
        return path

    def answer(self, *args):
        done = notch(*args, "--json")
        self.assertEqual(done.returncode, OK, done.stderr)
        return json.loads(done.stdout)

    def refused(self, *args, code=REFUSED):
        done = notch(*args)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        self.assertEqual(done.stdout, "")
        return done.stderr


class Classic(InFolder):
    def test_the_figures_of_the_design(self):
        path = self.write("p,r\n14,0.8\n")
        answer = self.answer(path, "--columns", "price=p,reward=r", "--classic", "--history", HISTORY,
                             "--query", "14,12")
        near = lambda a, b: self.assertAlmostEqual(a, b, delta=1e-6)
        self.assertEqual(list(answer), ["range", "bins", "sigma", "decay", "updates", "rate", "regions", "queries"])
        near(answer["range"][0], 8.7590699)
        near(answer["range"][1], 15.6409301)
        self.assertEqual((answer["bins"], answer["updates"], answer["rate"]), (10, 1, 1.0))
        near(answer["sigma"], 1.7204651)
        near(answer["decay"], 0.8)
        self.assertEqual(len(answer["regions"]), 1)
        near(answer["regions"][0][0], 13.5763720)
        near(answer["regions"][0][1], 14.2645581)
        at14, at12 = answer["queries"]
        self.assertEqual(list(at14), ["price", "bonus", "std", "confidence", "no_peers"])
        near(at14["bonus"], 0.1471523)
        near(at14["std"], 0.2353389)
        near(at14["confidence"], 1)
        near(at14["no_peers"]["bonus"], 0.1030066)
        near(at14["no_peers"]["std"], 0.2163512)
        near(at12["bonus"], 0.9692465)

    def test_before_the_first_row(self):
        answer = self.answer(self.write("price,reward\n"), "--classic", "--history", HISTORY, "--query", "14")
        self.assertEqual(answer["updates"], 0)
        self.assertEqual(answer["regions"], [])
        self.assertAlmostEqual(answer["queries"][0]["bonus"], 0.8, delta=1e-6)
        self.assertAlmostEqual(answer["queries"][0]["std"], 0.3440930, delta=1e-6)

    def test_a_second_computation_agrees(self):
        """The rules written down once more, in Python, over 400 rows."""
        prices = [9.3 + (i * 7919 % 601) / 100 for i in range(400)]
        rewards = [((i * 104729) % 1000) / 1000 - 0.3 for i in range(400)]
        path = self.write("price,reward\n" + "".join(f"{p!r},{r!r}\n" for p, r in zip(prices, rewards)))
        answer = self.answer(path, "--classic", "--history", HISTORY, "--query", "9,10.5,12,14.2,20")
        lo, hi, bins = answer["range"][0], answer["range"][1], 10
        edges = [lo + (hi - lo) / bins * i for i in range(bins)] + [hi]
        place = lambda p: min(max(sum(e <= p for e in edges) - 1, 0), bins - 1)
        visits, success, kept, rate = [0.0] * bins, [0.0] * bins, [], 1.0
        for price in (10, 12, 15, 11, 13):
            visits[place(price)] += 0.1
        unexplored = [v < 0.5 for v in visits]
        for price, reward in zip(prices, rewards):
            b = place(price)
            visits = [v * 0.8 for v in visits]
            visits[b] += 1
            step = 1 / (1 + visits[b])
            success[b] = (1 - step) * success[b] + step * reward
            unexplored[b] = False
            kept = (kept + [reward])[-100:]
            if len(kept) >= 10:
                better = sum(kept[-10:]) / 10 > sum(kept) / len(kept)
                rate = rate * 0.995 if better else min(1, rate * 1.005)
        self.assertAlmostEqual(answer["rate"], rate, delta=1e-9)
        for query in answer["queries"]:
            b = place(query["price"])
            worth = (success[b] - min(success)) / (max(success) - min(success) + 1e-6)
            most = max(1, max(visits))
            bonus = rate * (0.4 * 2.718281828459045 ** (-visits[b] / most) + 0.4 * unexplored[b] + 0.2 * (1 - worth))
            self.assertAlmostEqual(query["bonus"], bonus, delta=1e-9)
            self.assertAlmostEqual(query["confidence"], visits[b] / most, delta=1e-9)
            self.assertAlmostEqual(query["no_peers"]["bonus"], 0.7 * bonus, delta=1e-9)

    def test_words(self):
        path = self.write("price,reward\n1,1\n")
        self.assertIn("--history", self.refused(path, "--classic", code=USAGE))
        self.assertIn("--classic", self.refused(path, "--history", "1", code=USAGE))
        self.assertIn("not a number", self.refused(path, "--query", "1,x", code=USAGE))
        self.assertIn("above 0", self.refused(path, "--query", "0", code=USAGE))
        self.assertIn("above 0", self.refused(path, "--classic", "--history", "5,-1", code=USAGE))
        self.assertIn("no column", self.refused(path, "--columns", "price=usd"))
        self.assertIn("reward", self.refused(self.write("price\n1\n")))


class Rows(InFolder):
    def test_what_cannot_be_is_named(self):
        good = "".join(f"2024-01-{day:02},{10 + day / 100},1\n" for day in range(1, 11))
        for row, column, reason in (
                ("2024-01-11,nan,1", "column 2 (price)", "not a number"),
                ("2024-01-11,0,1", "column 2 (price)", "above 0"),
                ("2024-01-11,-3,1", "column 2 (price)", "above 0"),
                ("2024-01-11,0x10,1", "column 2 (price)", "not a number"),
                ("2024-01-11,1e999,1", "column 2 (price)", "too large"),
                ("2024-01-11,5000,1", "column 2 (price)", "100 times"),
                ("2024-01-11,,1", "column 2 (price)", "missing"),
                ("2024-01-11,10,inf", "column 3 (reward)", "not a number"),
                ("2024-01-11,10,1e300", "column 3 (reward)", "a reward is a number"),
                ("2024-01-09,10,1", "column 1 (time)", "goes back"),
                ("2090-01-09,10,1", "column 1 (time)", "ten years"),
                ("yesterday,10,1", "column 1 (time)", "date"),
                ("2024-01-11,10", "column 3", "fewer cells")):
            with self.subTest(row=row):
                path = self.write("time,price,reward\n" + good + row + "\n")
                said = self.refused(path)
                self.assertIn("line 12", said)
                self.assertIn(column, said)
                self.assertIn(reason, said)
                # What is left without it is what there would be if it had never come.
                without = self.write("time,price,reward\n" + good, "good.csv")
                self.assertEqual(self.answer(path, "--skip-bad", "--query", "10"),
                                 self.answer(without, "--query", "10"))

    def test_one_row_and_none(self):
        answer = self.answer(self.write("price,reward\n3,1\n"), "--query", "3,4,0.000001,9000000000000")
        self.assertEqual(answer["updates"], 1)
        for query in answer["queries"]:
            self.assertGreaterEqual(query["bonus"], 0)
            self.assertGreater(query["std"], 0)
        self.assertIn("no rows", self.refused(self.write("price,reward\n")))
        self.assertIn("empty", self.refused(self.write("")))

    def test_a_restart_in_the_middle_loses_nothing(self):
        rows = [f"{1700000000 + i * 40000},{5 + (i * 37 % 50) / 25!r},{(i * 53 % 17) / 7!r}\n" for i in range(300)]
        head = "time,price,reward\n"
        whole = self.write(head + "".join(rows))
        first = self.write(head + "".join(rows[:137]), "first.csv")
        second = self.write(head + "".join(rows[137:]), "second.csv")
        for mode in ([], ["--classic", "--history", "5,6,7,6.5"]):
            state = self.dir / f"state{len(mode)}"
            options = [*mode, "--query", "5,6,7.5"]
            self.answer(first, *options, "--state", state)
            resumed = self.answer(second, *options, "--state", state)
            self.assertEqual(resumed, self.answer(whole, *options))
        self.assertIn("without --classic", self.refused(second, "--state", self.dir / "state0", "--classic",
                                                        "--history", "1"))
        self.write("NPM", "torn")
        self.assertIn("corrupt", self.refused(second, "--state", self.dir / "torn"))

    def test_a_week_has_seven_days(self):
        shape = (3, 2, 1, 1, 2, 4, 5)
        days = [f"{1704067200 + d * 86400},{10 + shape[d % 7] / 5 + d / 500!r},1\n" for d in range(140)]
        path = self.write("time,price,reward\n" + "".join(days))
        outlook = self.answer(path, "--outlook")["outlook"]
        self.assertEqual((outlook["rows"], outlook["periods"]), (140, 140))
        self.assertEqual(outlook["cycle"], 7)
        self.assertEqual(len(outlook["seasons"]), 7)
        self.assertGreater(outlook["trend"], 0)
        self.assertGreater(outlook["strength"], 0.9)


class RealWeeks(InFolder):
    @unittest.skipUnless(os.environ.get("NOTCH_DATA_DIR"), "NOTCH_DATA_DIR is not set")
    def test_orange_juice(self):
        path = Path(os.environ["NOTCH_DATA_DIR"]) / "dominicks_oj_weeks_040_130.csv"
        answer = self.answer(path, "--where", "store=2", "--where", "brand=1", "--columns",
                             "time=week,price=price_per_oz,reward=profit", "--time-format", "week", "--time-origin",
                             "1989-09-14", "--period", "week", "--half-life-hours", 4000, "--query", "0.05",
                             "--outlook")
        self.assertGreater(answer["updates"], 50)
        self.assertGreater(answer["range"][0], 0.02)
        self.assertLess(answer["range"][1], 0.12)
        self.assertEqual(answer["outlook"]["refused"], 0)


if __name__ == "__main__":
    unittest.main()
