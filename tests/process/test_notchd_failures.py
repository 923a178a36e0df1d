#!/usr/bin/env python3
"""What notchd says and answers when something is wrong with its surroundings: one line that names the remedy, exit
code 1 (3 for a port), and nothing acknowledged lost."""

import os
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import notchd
from notchd import Disk, Node, until


class Failures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.data = self.dir / "data"

    def start(self, *args, **options):
        node = Node(self.data, *args, **options)
        self.addCleanup(lambda: node.process.poll() is None and node.kill())
        return node

    def make_chain(self, records=3):
        node = self.start()
        published = [node.publish(i) for i in range(records)]
        node.wait_until_final(published)
        self.assertEqual(node.stop(), 0)
        return published

    def refused(self, *args, code=1, **options):
        """Starts, and expects one line on standard error that begins with the program's name; what it says."""
        done = notchd.run("--data", self.data, *args, **options)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        last = [line for line in done.stderr.splitlines() if line.startswith("notchd: ")]
        self.assertEqual(len(last), 1, done.stderr)
        return last[0]

    # ---- who else is there ----

    def test_a_port_that_is_taken(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            said = self.refused("--dev", "--rpc.port", port, code=3)
        self.assertIn(f"port {port} of 127.0.0.1 is taken", said)
        self.assertIn("--rpc.port", said)
        self.assertFalse((self.data / "rpc.port").exists())

    def test_a_directory_that_is_in_use(self):
        node = self.start()
        for args in (["--dev"], ["--verify-store"], ["--backup", self.dir / "copy"]):
            said = self.refused(*args)
            self.assertIn(f"{self.data} is in use by process {node.process.pid}: stop that one", said)
        self.assertTrue((self.data / "rpc.port").exists())
        self.assertEqual(node.info()["chain"], "dev")
        self.assertEqual(node.stop(), 0)

    # ---- which chain ----

    def test_no_genesis(self):
        said = self.refused()
        self.assertIn("there is no genesis yet: give one with --genesis FILE", said)

    def test_a_genesis_that_is_none(self):
        wrong = self.dir / "wrong.genesis"
        for contents in (b"", b"hello", b"notch1\x01" + bytes(200)):
            wrong.write_bytes(contents)
            self.assertIn(f"{wrong}: is no genesis", self.refused("--genesis", wrong))
        wrong.write_bytes(b"notch1\x02" + bytes(200))
        self.assertIn("install a newer version", self.refused("--genesis", wrong))
        self.assertIn("cannot be read", self.refused("--genesis", self.dir / "missing"))
        self.assertFalse((self.data / "genesis").exists())

    def test_another_chain(self):
        self.make_chain()
        own = self.data
        self.data = self.dir / "other"
        self.make_chain()
        said = self.refused("--genesis", own / "genesis")
        self.assertIn("belongs to another chain than", said)
        # A store of another chain below the right genesis.
        (self.data / "genesis").write_bytes((own / "genesis").read_bytes())
        said = self.refused("--validator.enable", "false")
        self.assertIn("another", said)

    def test_another_network(self):
        self.make_chain()
        said = self.refused("--network", "main")
        self.assertIn("is the genesis of a dev network, and node.network is main: give --network dev", said)

    def test_another_version_of_the_store(self):
        self.make_chain()
        head = self.data / "store/STORE"
        contents = bytearray(head.read_bytes())
        contents[8] += 1  # behind the magic: the format
        contents[-4:] = crc32c(bytes(contents[:-4])).to_bytes(4, "little")
        head.write_bytes(contents)
        said = self.refused("--dev")
        self.assertIn("format", said)
        self.assertEqual(notchd.run("--data", self.data, "--verify-store").returncode, 1)

    # ---- keys ----

    def test_a_missing_key(self):
        self.make_chain()
        (self.data / "validator.key").unlink()
        said = self.refused("--dev")
        self.assertIn("validator.key: there is no key file: make one", said)

    def test_a_wrong_password(self):
        self.make_chain()
        word = self.dir / "password"
        word.write_text("not this one\n")
        said = self.refused("--dev", "--author.password_file", word)
        self.assertIn("author.key: wrong password, or a damaged file", said)
        self.assertIn("author.password_file", said)
        self.assertIn("cannot be read", self.refused("--dev", "--author.password_file", self.dir / "missing"))

    def test_a_key_that_others_can_read(self):
        self.make_chain()
        (self.data / "validator.key").chmod(0o644)
        self.assertIn("validator.key: ", self.refused("--dev"))

    def test_a_key_of_another_role(self):
        self.make_chain()
        said = self.refused("--dev", "--validator.key", self.data / "author.key")
        self.assertIn("author.key: holds author, expected a validator key", said)

    def test_a_validator_that_is_no_member(self):
        self.make_chain()
        own = self.data
        self.data = self.dir / "other"
        self.make_chain(records=1)
        node = self.start("--validator.key", own / "validator.key")
        self.assertFalse(node.info()["voting"])
        self.assertIn("this node does not vote: dnotch1", node.said())
        self.assertEqual(node.stop(), 0)

    def test_a_stop_while_starting(self):
        # A validator that is no member: nothing becomes final, so that the next start goes through every body again.
        self.make_chain(records=1)
        own = self.data
        self.data = self.dir / "other"
        self.make_chain(records=1)
        args = ["--validator.key", own / "validator.key"]
        node = self.start(*args)
        insights = [{"market": f"{i:064x}", "start_ms": 1_700_000_000_000, "length_ms": 1000, "price": "1"}
                    for i in range(256)]
        for number in range(100):
            for insight in insights:
                insight["price"] = str(number)
            self.assertEqual(node.call("publishinsight", insights=insights)["status"], "local")
        node.kill()
        (self.data / "rpc.port").unlink()
        command = [str(notchd.NOTCHD.resolve()), "--dev", "--data", str(self.data), *map(str, args)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until("it listens", lambda: (self.data / "rpc.port").exists())
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=notchd.PATIENCE_S)[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("stopp", said)
        self.assertFalse((self.data / "rpc.port").exists())
        self.assertFalse((self.data / "rpc.cookie").exists())
        node = self.start(*args)
        self.assertEqual(node.info()["pending_records"], 100)
        self.assertEqual(node.stop(), 0)

    def test_a_damaged_key(self):
        self.make_chain()
        key = self.data / "validator.key"
        contents = bytearray(key.read_bytes())
        contents[100] ^= 1
        key.write_bytes(contents)
        self.assertIn("wrong password, or a damaged file", self.refused("--dev"))

    # ---- the disk ----

    def test_a_log_that_cannot_be_written(self):
        said = self.refused("--dev", "--log.file", self.dir / "no/such/folder/log")
        self.assertIn("the log cannot be written", said)
        self.assertFalse(self.data.exists())

    def test_a_log_on_a_full_disk_goes_on_at_standard_error(self):
        node = self.start("--log.file", "/dev/full")
        until("the log is elsewhere", lambda: "the log /dev/full cannot be written" in node.said())
        self.assertEqual(node.stop(), 0)

    def test_a_directory_whose_parent_is_missing(self):
        self.data = self.dir / "no/such/data"
        self.assertIn("cannot be made: No such file or directory; make the directory", self.refused("--dev"))

    def test_a_file_where_the_directory_should_be(self):
        self.data.write_text("")
        self.assertIn("is not a directory", self.refused("--dev"))

    def test_a_damaged_store(self):
        self.make_chain(records=20)
        segment = self.data / "store/bodies/000000.seg"
        contents = bytearray(segment.read_bytes())
        contents[len(contents.rstrip(b"\0")) // 3] ^= 0x10  # zeros are room that was set aside
        segment.write_bytes(contents)
        checked = notchd.run("--data", self.data, "--verify-store")
        self.assertEqual(checked.returncode, 1, checked.stdout)
        self.assertIn("damage: ", checked.stdout)
        self.assertIn(str(segment), checked.stdout)
        self.assertIn("is damaged in", checked.stdout)

    def test_a_truncated_store(self):
        self.make_chain(records=20)
        segment = self.data / "store/bodies/000000.seg"
        with open(segment, "r+b") as file:
            file.truncate(len(file.read().rstrip(b"\0")) // 2)
        said = self.refused("--dev")
        self.assertIn("restore", said)
        self.assertEqual(notchd.run("--data", self.data, "--verify-store").returncode, 1)

    def test_a_lost_segment(self):
        self.make_chain()
        (self.data / "store/bodies/000000.seg").unlink()
        self.refused("--dev")

    def disk(self, mebibytes):
        disk = Disk(mebibytes)
        self.addCleanup(disk.close)
        if not disk.works:
            self.skipTest("this system lets nobody mount a file system of his own")
        return disk

    def test_a_full_disk_at_the_start(self):
        disk = self.disk(4)
        self.data = disk.path / "data"
        filler = disk.fill(leave=0)
        said = self.refused("--dev")
        self.assertIn("No space left on device", said)
        filler.unlink()
        node = self.start("--rpc.cookie", self.data / "rpc.cookie")
        node.publish(1)
        self.assertEqual(node.stop(), 0)

    def test_a_disk_that_fills_up(self):
        disk = self.disk(24)
        self.data = disk.path / "data"
        node = self.start()
        node.publish(0)
        filler = disk.fill(leave=512 * 1024)
        acknowledged = []
        try:
            for number in range(1, 100_000):
                acknowledged.append(node.publish(number, count=256))
            self.fail("the disk never filled up")
        except notchd.RpcError as error:
            self.assertTrue(error.reason)
        until("no records are taken", lambda: not node.info()["taking_records"])
        self.assertEqual(node.get("/health")[0], 503)
        with self.assertRaises(notchd.RpcError):
            node.publish(200_000)
        self.assertIn("Free space or replace the disk", node.said())
        self.assertEqual(node.stop(), 0)
        filler.unlink()
        node = self.start()
        node.wait_until_final(acknowledged)
        self.assertGreaterEqual(node.info()["records"], len(acknowledged) + 1)
        node.wait_until_final([node.publish(200_000)])
        self.assertEqual(node.stop(), 0)

    def test_a_read_only_disk(self):
        disk = self.disk(8)
        self.data = disk.path / "data"
        node = self.start()
        node.publish(1)
        self.assertEqual(node.stop(), 0)
        remount = subprocess.run(["nsenter", "--user", "--mount", "--preserve-credentials",
                                  f"--target={disk.keeper.pid}", "mount", "-o", "remount,ro", disk.point],
                                 capture_output=True, text=True, check=False)
        self.assertEqual(remount.returncode, 0, remount.stderr)
        said = self.refused("--dev")
        self.assertIn("Read-only file system; mount the file system for writing", said)

    # ---- signals ----

    def test_a_second_signal_ends_at_once(self):
        node = self.start()
        node.process.send_signal(signal.SIGTERM)
        node.process.send_signal(signal.SIGINT)
        self.assertIn(node.end(), (0, 1))  # 0: it was already done
        self.start().stop()


def crc32c(data):
    """CRC-32C (Castagnoli), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


if __name__ == "__main__":
    unittest.main()
