#!/usr/bin/env python3
"""contrib/bench/run: the table, medians, ratios and goals on commands with known figures, and the real limits program.

Run with NOTCH_BUILD_DIR set to the build folder.
"""

import argparse
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOTCH_BUILD_DIR", ROOT / "build" / "dev")).resolve()
LIMITS = BUILD / "bench" / "limits"

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("bench_run", str(ROOT / "contrib/bench/run"))
bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
loader.exec_module(bench)

# Prints 10, 30, 20, ... in its successive runs, and counts them.
COUNTING = """#!/bin/sh
echo run >> "{log}"
case $(wc -l < "{log}") in 1) v=10 ;; 2) v=30 ;; *) v=20 ;; esac
echo '{{"name":"other","value":1,"unit":"x"}}'
echo "{{\\"name\\":\\"speed\\",\\"value\\":$v,\\"unit\\":\\"things/s\\"}}"
"""


def run(*args):
    return subprocess.run([str(ROOT / "contrib/bench/run"), *args], capture_output=True, text=True, timeout=100,
                          check=False)


class Folder(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.dir = pathlib.Path(holder.name)

    def script(self, name, text):
        path = self.dir / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)


class Rounds(Folder):
    def measure(self, *rows, runs=3):
        options = argparse.Namespace(runs=runs, seconds=0.1, dir=str(self.dir), chatty=False)
        words = io.StringIO()
        with redirect_stderr(words):
            measured = bench.measure(rows, BUILD, options)
        return measured, [bench.result(row, measured) for row in rows], words.getvalue()

    def test_median_ratio_and_goal(self):
        log = self.dir / "log"
        command = (self.script("counting", COUNTING.format(log=log)),)
        measured, (fast, slow), _ = self.measure(
            bench.Row("fast", "", command, "speed", "base", ("min", 15)),
            bench.Row("base", "", command, "other", None, ("max", 0.5)))
        self.assertEqual(fast, {"name": "fast", "value": 20, "unit": "things/s", "reference": "base",
                                "reference_value": 1, "ratio": 20, "goal": {"min": 15}})
        self.assertEqual(bench.verdict(fast), "met")
        self.assertEqual(slow["ratio"], None)
        self.assertEqual(bench.verdict(slow), "missed")
        self.assertFalse(measured.failed)
        self.assertEqual(len(log.read_text().splitlines()), 3, "rows with one command share its runs")

    def test_a_median_is_run_once(self):
        log = self.dir / "log"
        text = f'#!/bin/sh\necho run >> "{log}"\necho \'{{"name":"a","value":7,"unit":"x","runs":3}}\'\n'
        _, (line,), _ = self.measure(bench.Row("a", "", (self.script("once", text),), "a", None, None))
        self.assertEqual(line["value"], 7)
        self.assertEqual(len(log.read_text().splitlines()), 1)

    def test_skipped_is_no_failure(self):
        command = (self.script("skip", "#!/bin/sh\necho '{\"skipped\":\"no npm\"}'\n"),)
        here = (self.script("here", "#!/bin/sh\necho '{\"name\":\"b\",\"value\":5,\"unit\":\"x\"}'\n"),)
        measured, (line, other), words = self.measure(
            bench.Row("a", "", command, "a", None, None), bench.Row("b", "", here, "b", "a", ("min", 2)))
        self.assertFalse(measured.failed)
        self.assertEqual((line["value"], line["missing"]), (None, "skipped: no npm"))
        self.assertEqual((other["value"], other["reference_value"], other["ratio"]), (5, None, None))
        self.assertEqual(bench.verdict(other), "unknown")
        self.assertEqual(words.count("no npm"), 1)

    def test_failures_are_named(self):
        cases = {
            "exit status 3": "#!/bin/sh\nexit 3\n",
            "not a JSON object: hello": "#!/bin/sh\necho hello\n",
            "not a JSON object: 12": "#!/bin/sh\necho 12\n",
            "prints no figure a": "#!/bin/sh\necho '{\"name\":\"b\",\"value\":1}'\n",
        }
        for number, (message, text) in enumerate(cases.items()):
            command = (self.script(f"bad{number}", text),)
            measured, (line,), words = self.measure(bench.Row("a", "", command, "a", None, None))
            self.assertTrue(measured.failed, message)
            self.assertIsNone(line["value"])
            self.assertIn(message, words)
        measured, _, words = self.measure(bench.Row("a", "", ("no/such/program",), "a", None, None))
        self.assertTrue(measured.failed)
        self.assertIn("No such file", words)

    def test_scratch_folder_is_given_and_removed(self):
        text = '#!/bin/sh\ntouch "$1/file"\necho "{\\"name\\":\\"a\\",\\"value\\":$2,\\"unit\\":\\"$1\\"}"\n'
        command = (self.script("uses", text), "{dir}", "{seconds}")
        _, (line,), _ = self.measure(bench.Row("a", "", command, "a", None, None), runs=1)
        self.assertEqual(line["value"], 0.1)
        self.assertTrue(line["unit"].startswith(str(self.dir)))
        self.assertFalse(os.path.exists(line["unit"]))


class Table(unittest.TestCase):
    def test_rows_are_sound(self):
        names = [row.name for row in bench.ROWS]
        self.assertEqual(len(names), len(set(names)))
        for row in bench.ROWS:
            self.assertTrue(row.reference is None or row.reference in names, row.name)
            self.assertTrue(row.goal is None or row.goal[0] in ("min", "max"), row.name)
            if "/" in row.command[0]:
                self.assertTrue(os.access(ROOT / row.command[0], os.X_OK), row.name)

    def test_selection(self):
        rows = [bench.Row(name, "", (), name, reference, None)
                for name, reference in [("P1", "limit.a"), ("P1.x", None), ("P10", None), ("limit.a", None)]]
        self.assertEqual([row.name for row in bench.select(["P1"], rows)], ["P1", "P1.x"])
        self.assertEqual([row.name for row in bench.select([], rows)], ["P1", "P1.x", "P10", "limit.a"])
        self.assertEqual([row.name for row in bench.with_references(rows[:1], rows)], ["P1", "limit.a"])
        with redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as stopped:
            bench.select(["P2"], rows)
        self.assertEqual(stopped.exception.code, 2)

    def test_command_line(self):
        listed = run("--list")
        self.assertEqual(listed.returncode, 0)
        self.assertEqual(len(listed.stdout.splitlines()), len(bench.ROWS))
        for args, message in [(["nope"], "nope"), (["--runs", "0"], "--runs"), (["--seconds", "nan"], "--seconds"),
                              (["--dir", "/no/such"], "/no/such"), (["--build", "/no/such"], "/no/such")]:
            refused = run(*args)
            self.assertEqual(refused.returncode, 2, args)
            self.assertIn(message, refused.stderr)


class Limits(Folder):
    def limits(self, *args):
        return subprocess.run([str(LIMITS), *args], capture_output=True, text=True, timeout=100, check=False)

    def test_every_figure(self):
        done = run("--build", str(BUILD), "--runs", "1", "--seconds", "0.01", "--dir", str(self.dir), "--json", "limit")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["name"] for line in lines],
                         ["limit." + name for name in self.limits("--list").stdout.split()])
        for line in lines:
            self.assertEqual(list(line), ["name", "value", "unit", "reference", "reference_value", "ratio", "goal"])
            self.assertGreater(line["value"], 0)
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_bad_command_lines(self):
        for args in (["--only", "nope"], ["--only"], ["--seconds", "0"], ["--seconds", "61"], ["--seconds", "1x"],
                     ["--seconds", "nan"], ["--what", "1"], ["stray"]):
            self.assertEqual(self.limits(*args).returncode, 2, args)

    def test_no_such_folder(self):
        for figure in ("append_fdatasync_p50", "leveldb_put"):
            done = self.limits("--only", figure, "--dir", str(self.dir / "missing"))
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("No such file or directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
