#!/usr/bin/env python3
"""Four validators as processes of their own, over TLS on loopback: what one takes is final at all, whoever dies.

Run with NOTCH_BUILD_DIR set to the build folder.
"""

import shutil
import tempfile
import unittest

import network
import notchd


class FourValidators(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.network = network.Network(folder.name, 4)
        self.addCleanup(self.network.stop_all)
        self.nodes = self.network.start_all()

    def heads(self):
        """The newest final block of each."""
        return {node.info()["final"]["hash"] for node in self.network.nodes}

    def until_all_agree(self, records):
        for node in self.network.nodes:
            node.wait_until_final(records)
        notchd.until("all have the same final block", lambda: len(self.heads()) == 1)
        for record in records:
            found = {str(node.call("getrecord", id=record)["block"]) for node in self.network.nodes}
            self.assertEqual(len(found), 1, record)

    def test_what_one_takes_is_final_at_all(self):
        for node in self.nodes:
            notchd.until("all are connected", lambda n=node: n.info()["peers"] == 3)
        self.until_all_agree([self.nodes[i % 4].publish(i) for i in range(12)])
        for node in self.nodes:
            self.assertEqual(node.stop(), 0, node.said())

    def test_one_is_killed_and_comes_back(self):
        before = [self.nodes[i].publish(i) for i in range(4)]
        self.until_all_agree(before)
        self.nodes[3].kill()
        meanwhile = [self.nodes[i % 3].publish(100 + i) for i in range(9)]
        for node in self.nodes[:3]:
            node.wait_until_final(meanwhile)
        self.network.start(3)
        self.until_all_agree(before + meanwhile)
        self.until_all_agree([self.network.nodes[3].publish(200)])

    def test_an_empty_disk_joins(self):
        records = [self.nodes[i % 4].publish(i) for i in range(20)]
        self.until_all_agree(records)
        self.nodes[2].kill()
        shutil.rmtree(self.network.data(2) / "store")
        self.network.start(2)
        self.until_all_agree(records)

    def test_one_of_another_network_is_not_let_in(self):
        with tempfile.TemporaryDirectory() as folder:
            other = network.Network(folder, 1)
            other.ports.append(self.network.ports[0])
            self.addCleanup(other.stop_all)
            stranger = other.start(0, "--log.level", "debug")
            refused = "is of another network"
            notchd.until("it is told why", lambda: refused in stranger.said())
            self.assertEqual(stranger.info()["peers"], 0)
            self.assertEqual(stranger.stop(), 0)


if __name__ == "__main__":
    unittest.main()
