"""Several notchd that are validators of one chain, connected over loopback, for the tests of whole networks."""

import os
import socket
import subprocess
from pathlib import Path

import notchd

NOTCH = notchd.BUILD / "notch"


def free_ports(count):
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def notch(*args):
    """What a notch command says."""
    done = subprocess.run([str(NOTCH.resolve()), *map(str, args)], capture_output=True, text=True, check=False,
                          timeout=notchd.PATIENCE_S, env={k: v for k, v in os.environ.items() if k[:6] != "NOTCH_"})
    if done.returncode != 0:
        raise AssertionError(f"notch {' '.join(map(str, args))}: {done.stderr}")
    return done.stdout


class Network:
    """`count` validators, each connected to every other."""

    def __init__(self, folder, count, delta_ms=100):
        self.folder = Path(folder)
        self.ports = free_ports(count)
        self.nodes = [None] * count
        empty = self.folder / "empty"
        empty.write_text("\n")
        members = []
        for i in range(count):
            data = self.data(i)
            data.mkdir()
            notch("wallet", "new", "--network", "dev", "--data", data, "--password-file", empty)
            address = ("wallet", "address", "--data", data, "--password-file", empty, "--role")
            for role in ("validator", "author"):
                notch(*address, role, "--key-file", data / f"{role}.key")
            members.append([notch(*address, role).split()[0] for role in ("validator", "operator")])
        genesis = ["genesis", "new", "--name", "test", "--network", "dev", "--delta-ms", delta_ms,
                   "--governance", members[0][1], "--out", self.folder / "genesis"]
        for member in members:
            genesis += ["--member", ",".join(member)]
        notch(*genesis)

    def data(self, i):
        return self.folder / f"node{i}"

    def start(self, i, *args, wait=True):
        """Starts node i, connected to all others. It is healthy, and waited for, once the network is."""
        peers = [arg for k, port in enumerate(self.ports) if k != i for arg in ("--p2p.peer", f"127.0.0.1:{port}")]
        self.nodes[i] = notchd.Node(self.data(i), "--genesis", self.folder / "genesis", "--node.clock", "trusted",
                                    "--rpc.port", "0", "--validator.enable", "true", "--author.enable", "true",
                                    "--p2p.enable", "true", "--p2p.listen", f"127.0.0.1:{self.ports[i]}", *peers,
                                    *args, dev=False, wait=wait)
        return self.nodes[i]

    def start_all(self):
        for i in range(len(self.nodes)):
            self.start(i, wait=False)
        for node in self.nodes:
            node.wait_until_started()
        return self.nodes

    def stop_all(self):
        for node in self.nodes:
            if node is not None and node.process.poll() is None:
                node.kill()

    def final(self, i):
        return self.nodes[i].info()["final"]["height"]
