#!/usr/bin/env python3
"""notchd as a whole: it starts, keeps what it acknowledged through every kind of end, and says how it is."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import notchd
from notchd import Node, until


class Daemon(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.data = self.dir / "data"

    def start(self, *args, **options):
        node = Node(self.data, *args, **options)
        self.addCleanup(lambda: node.process.poll() is None and node.kill())
        return node

    def test_a_record_outlives_a_stop(self):
        node = self.start()
        records = [node.publish(i) for i in range(5)]
        node.wait_until_final(records)
        self.assertEqual(node.info()["records"], 5)
        self.assertEqual(node.stop(), 0)
        self.assertFalse((self.data / "rpc.port").exists())
        self.assertFalse((self.data / "rpc.cookie").exists())
        node = self.start()
        self.assertEqual({node.status(r) for r in records} - {"final", "settled"}, set())
        self.assertEqual(node.publish(3), records[3])  # the same content adds nothing
        self.assertEqual(node.info()["records"], 5)
        self.assertEqual(node.call("stop"), "stopping")
        self.assertEqual(node.end(), 0)
        self.assertIn("stopping: asked to by the RPC", node.said())
        self.assertIn("daemon: stopped\n", node.said())

    def test_what_was_acknowledged_outlives_a_kill(self):
        chosen = random.Random(2)
        records = []
        for life in range(6):
            node = self.start()
            for _ in range(chosen.randrange(1, 40)):
                records.append(node.publish(len(records)))
            if life % 2 == 0:
                until("a block is final", lambda n=node: n.info()["final"]["height"] > 0)
            node.kill()
        node = self.start()
        node.wait_until_final(records)
        self.assertEqual(len(set(records)), len(records))
        self.assertEqual(node.info()["records"], len(records))
        self.assertEqual(node.stop(), 0)
        checked = notchd.run("--data", self.data, "--verify-store")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_a_stop_answers_what_is_under_way(self):
        node = self.start()
        acknowledged = []
        failures = []

        def feed(first):
            mine = Node.__new__(Node)
            mine.__dict__ = {**node.__dict__, "connection": None}
            try:
                for number in range(first, first + 10_000):
                    acknowledged.append(mine.publish(number))
            except Exception as error:  # the stop: whatever it is, it was not acknowledged
                failures.append(error)
            mine.disconnect()

        threads = [threading.Thread(target=feed, args=(10_000 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        until("the feed runs", lambda: len(acknowledged) > 50)
        self.assertEqual(node.stop(), 0)
        for thread in threads:
            thread.join()
        self.assertEqual(len(failures), 4)
        node = self.start()
        node.wait_until_final(acknowledged)
        self.assertGreaterEqual(node.info()["records"], len(acknowledged))
        self.assertEqual(node.stop(), 0)

    def test_dev_without_a_directory_leaves_nothing(self):
        process = subprocess.Popen([str(notchd.NOTCHD), "--dev"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   text=True, env={**os.environ, "TMPDIR": str(self.dir)})
        line = process.stdout.readline()
        folder = Path(line.split(" runs in ")[1].strip())
        self.assertTrue((folder / "genesis").exists())
        self.assertIn(f"notch --data {folder} status", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=notchd.PATIENCE_S), 0)
        process.stdout.close()
        self.assertFalse(folder.exists())
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_a_backup_is_a_chain(self):
        node = self.start()
        records = [node.publish(i) for i in range(3)]
        node.wait_until_final(records)
        busy = notchd.run("--data", self.data, "--backup", self.dir / "early")
        self.assertEqual(busy.returncode, 1)
        self.assertIn(f"is in use by process {node.process.pid}", busy.stderr)
        node.stop()
        done = notchd.run("--data", self.data, "--backup", self.dir / "copy")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sorted(p.name for p in (self.dir / "copy").iterdir()), ["genesis", "lock", "store"])
        self.assertFalse((self.dir / "copy/store/votes").exists())
        again = notchd.run("--data", self.data, "--backup", self.dir / "copy")
        self.assertEqual(again.returncode, 1)
        self.data = self.dir / "copy"
        reader = self.start("--rpc.port", 0, dev=False)
        self.assertEqual({reader.status(r) for r in records} - {"final", "settled"}, set())
        self.assertFalse(reader.info()["taking_records"])
        self.assertEqual(reader.stop(), 0)

    def test_the_service_manager_is_told(self):
        path = str(self.dir / "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        manager.settimeout(notchd.PATIENCE_S)
        node = self.start(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000"})
        told = []

        def wait_for(line):
            while line not in told:
                told.extend(manager.recv(4096).decode().split("\n"))

        wait_for("READY=1")
        wait_for("WATCHDOG=1")
        self.assertEqual(node.stop(), 0)
        wait_for("STOPPING=1")

    def test_a_log_file_is_json_and_opened_again(self):
        log = self.dir / "notchd.log"
        node = self.start("--log.file", log, "--log.format", "json")
        until("the first line", lambda: log.exists() and log.read_text())
        log.rename(self.dir / "old.log")
        node.process.send_signal(signal.SIGHUP)
        until("a new file", lambda: log.exists() and "opened again" in log.read_text())
        self.assertEqual(node.stop(), 0)
        for file in (self.dir / "old.log", log):
            for line in file.read_text().splitlines():
                self.assertEqual(set(json.loads(line)), {"time", "level", "module", "text"})
        self.assertEqual(node.said(), "")

    def test_an_idle_node_is_small(self):
        node = self.start()
        node.wait_until_final([node.publish(1)])
        status = Path(f"/proc/{node.process.pid}/status").read_text()
        resident_kib = int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))
        if not self.is_sanitized(node):  # a sanitizer has shadow memory of its own
            self.assertLess(resident_kib, 64 * 1024)
        self.assertEqual(node.stop(), 0)

    @staticmethod
    def is_sanitized(node):
        return re.search(r"lib(asan|tsan)", Path(f"/proc/{node.process.pid}/maps").read_text()) is not None


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def test_help_and_version(self):
        for option in ("--help", "-h"):
            done = notchd.run(option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("--rpc.port VALUE", done.stdout)
        self.assertRegex(notchd.run("--version").stdout, r"^notchd \d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_2(self):
        for args in (["--nonsense", "1"], ["stray"], ["--rpc.port"], ["--rpc.port", "x"], ["--config"]):
            done = notchd.run(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertTrue(done.stderr.startswith("notchd: "), done.stderr)

    def test_check_config(self):
        good = self.dir / "good.conf"
        good.write_text("[node]\ndata = /d\n[rpc]\nport = 1\n")
        done = notchd.run("--config", good, "--check-config")
        self.assertEqual((done.returncode, done.stdout), (0, "the configuration is good\n"))
        bad = self.dir / "bad.conf"
        bad.write_text("[rpc]\nprot = 1\nport = x\n")
        done = notchd.run("--config", bad, "--check-config")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{bad}:2: there is no key \"rpc.prot\"; the nearest is rpc.port", done.stderr)
        self.assertIn(f"{bad}:3: rpc.port is \"x\", expected a number from 0 to 65535", done.stderr)

    def test_print_config_says_where_from(self):
        file = self.dir / "n.conf"
        file.write_text("[rpc]\nport = 1\nthreads = 3\n[log]\nlevel = debug\n")
        done = notchd.run("--config", file, "--rpc.threads", "5", "--print-config", env={"NOTCH_LOG_LEVEL": "warn"})
        self.assertEqual(done.returncode, 0)
        lines = done.stdout.splitlines()
        for line in ("port = 1 ; line 2 of the file", "threads = 5 ; command line", "level = warn ; environment",
                     "batch_max = 256 ; default"):
            self.assertIn(line, lines)
        again = self.dir / "again.conf"
        again.write_text(done.stdout)
        self.assertEqual(notchd.run("--config", again, "--check-config").returncode, 0)

    def test_a_hashed_password_opens_the_rpc(self):
        hashed = notchd.run("--hash-password", stdin="open sesame\n")
        self.assertEqual(hashed.returncode, 0)
        self.assertTrue(hashed.stdout.startswith("$argon2id$"))
        self.assertEqual(notchd.run("--hash-password", stdin="").returncode, 2)
        node = Node(self.dir / "data", "--rpc.user", f"anna:read:{hashed.stdout.strip()}")
        self.addCleanup(lambda: node.process.poll() is None and node.kill())
        node.headers["Authorization"] = "Basic YW5uYTpvcGVuIHNlc2FtZQ=="  # anna:open sesame
        self.assertEqual(node.call("getinfo")["chain"], "dev")
        with self.assertRaises(notchd.RpcError) as refused:
            node.call("stop")
        self.assertEqual(refused.exception.code, -32003)
        self.assertEqual(node.stop(), 0)


if __name__ == "__main__":
    unittest.main()
