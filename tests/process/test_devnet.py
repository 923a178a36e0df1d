#!/usr/bin/env python3
"""contrib/devnet: feeds, waits, counts; loses nothing, and leaves nothing running."""

import json
import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from notchd import BUILD, PATIENCE_S, until

DEVNET = Path(os.environ.get("NOTCH_SOURCE_DIR", ".")) / "contrib/devnet"
KEYS = ["records", "entries", "final_height", "finality_ms_p50", "finality_ms_p99", "heads_equal", "lost", "duplicated"]


def clean():
    """Without a data folder of the machine: what ships is what is fed."""
    return {key: value for key, value in os.environ.items() if key != "NOTCH_DATA_DIR"}


def devnet(*args):
    return subprocess.run([str(DEVNET), "--build-dir", str(BUILD.resolve()), *map(str, args)], capture_output=True,
                          text=True, timeout=3 * PATIENCE_S, check=False, env=clean(), start_new_session=True)


def running(marker):
    """Processes whose command line holds the text."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker in (entry / "cmdline").read_text(errors="replace"):
                found.append(entry.name)
        except OSError:
            continue
    return found


class Devnet(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name) / "net"

    def test_a_run(self):
        done = devnet("-n", 1, "--for", 5, "--json", "--dir", self.dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(list(summary), KEYS)
        self.assertGreater(summary["records"], 48)
        self.assertGreater(summary["entries"], summary["records"])
        self.assertGreater(summary["finality_ms_p50"], 0)
        self.assertGreaterEqual(summary["finality_ms_p99"], summary["finality_ms_p50"])
        self.assertEqual((summary["lost"], summary["duplicated"], summary["heads_equal"]), (0, 0, True))
        self.assertEqual(running(str(self.dir)), [])

    def test_four_validators_and_a_kill(self):
        done = devnet("-n", 4, "--for", 9, "--kill", "2@2", "--json", "--dir", self.dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("validator 2 started again", done.stderr)
        summary = json.loads(done.stdout.splitlines()[-1])
        self.assertGreater(summary["records"], 48)
        self.assertEqual((summary["lost"], summary["duplicated"], summary["heads_equal"]), (0, 0, True))
        self.assertEqual(running(str(self.dir)), [])

    def test_any_prices(self):
        prices = self.dir.parent / "prices.csv"
        rows = (f"2024-01-{day:02};A;x;1.5;{day}\n" for day in range(1, 29))
        prices.write_text("day;city;item;cost;sold\n" + "".join(rows))
        done = devnet("--for", 3, "--json", "--dir", self.dir, "--market", prices, "--columns",
                      "time=day,market=city,product=item,price=cost,quantity=sold")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(json.loads(done.stdout)["records"], 28)

    def test_an_interrupt_ends_it_well(self):
        process = subprocess.Popen([str(DEVNET), "--build-dir", str(BUILD.resolve()), "--json", "--dir", str(self.dir)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean(),
                                   start_new_session=True)
        log = self.dir / "node0.log"
        until("it feeds", lambda: process.poll() is not None or (log.exists() and running("--market")))
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=3 * PATIENCE_S)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(json.loads(out)["lost"], 0)
        self.assertEqual(running(str(self.dir)), [])

    def test_what_it_refuses(self):
        for wrong, why in ((("-n", 0), "expected 1 to"), (("-n", 4, "--kill", "0@3"), "validator 0 is fed"),
                           (("-n", 4, "--kill", "first"), "expected I@T")):
            done = devnet(*wrong)
            self.assertEqual(done.returncode, 2)
            self.assertIn(why, done.stderr)
        done = devnet("--data", self.dir / "nowhere", "--for", 1)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not there", done.stderr)
        done = devnet("--data", self.dir.parent, "--for", 1)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no prices in", done.stderr)
        self.assertEqual(devnet("--for", 0).returncode, 2)


if __name__ == "__main__":
    unittest.main()
