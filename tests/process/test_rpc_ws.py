#!/usr/bin/env python3
"""The WebSocket of a running notchd, by a client of its own (RFC 6455): calls, streams, and what it does not bear.

Run with NOTCH_BUILD_DIR set to the build folder.
"""

import base64
import hashlib
import json
import os
import socket
import struct
import tempfile
import unittest
from pathlib import Path

import notchd

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The other side closed, with a code and a reason."""

    def __init__(self, code, reason):
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class WebSocket:
    def __init__(self, node, receive_bytes=None, headers=None, extra=b""):
        self.link = socket.socket()
        if receive_bytes is not None:
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.link.settimeout(60)
        self.link.connect(("127.0.0.1", node.port))
        key = base64.b64encode(os.urandom(16))
        lines = {"Host": "localhost", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade",
                 "Sec-WebSocket-Key": key.decode(), "Sec-WebSocket-Version": "13",
                 "Authorization": node.headers["Authorization"], **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        self.link.sendall(b"GET /ws HTTP/1.1\r\n" + head.encode() + b"\r\n" + extra)
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            chunk = self.link.recv(4096)
            if not chunk:
                break
            self.data += chunk
        self.head, _, self.data = self.data.partition(b"\r\n\r\n")
        self.status = int(self.head.split()[1])
        self.accepted = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.notes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()

    def read(self, count):
        while len(self.data) < count:
            chunk = self.link.recv(1 << 16)
            if not chunk:
                raise Closed(0, "without a word")
            self.data += chunk
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def frame(self):
        first, second = self.read(2)
        length = second & 0x7F
        if length == 126:
            length, = struct.unpack(">H", self.read(2))
        elif length == 127:
            length, = struct.unpack(">Q", self.read(8))
        assert not second & 0x80, "a server masks nothing"
        return first & 0x0F, self.read(length)

    def send(self, opcode, data, fin=True, mask=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        bit = 0x80 if mask else 0
        if len(data) < 126:
            head += bytes([bit | len(data)])
        elif len(data) < 1 << 16:
            head += bytes([bit | 126]) + struct.pack(">H", len(data))
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", len(data))
        self.link.sendall(head + (b"\0\0\0\0" if mask else b"") + data)

    def message(self):
        while True:
            opcode, data = self.frame()
            if opcode == TEXT:
                return json.loads(data)
            if opcode == CLOSE:
                raise Closed(struct.unpack(">H", data[:2])[0] if data else 0, data[2:].decode())

    def call(self, method, *params, number=1):
        self.send(TEXT, json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                                    "params": list(params)}).encode())
        while True:
            message = self.message()
            if "method" not in message:
                return message
            self.notes.append(message)

    def note(self, method, wanted=lambda params: True):
        while True:
            for at, message in enumerate(self.notes):
                if message["method"] == method and wanted(message["params"]):
                    return self.notes.pop(at)["params"]
            self.notes.append(self.message())


class Ws(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.node = notchd.Node(Path(folder.name) / "node", "--rpc.socket_queue_kib_max", "64", "--rpc.sockets_max", "8",
                               "--rpc.socket_stall_s_max", "1")

    @classmethod
    def tearDownClass(cls):
        assert cls.node.stop() == 0, cls.node.said()

    def test_handshake(self):
        with WebSocket(self.node) as link:
            self.assertEqual(link.status, 101)
            self.assertIn(b"Sec-WebSocket-Accept: " + link.accepted, link.head)
        refusals = [({"Authorization": None}, 401), ({"Host": "evil.example"}, 403),
                    ({"Origin": "http://evil.example"}, 403), ({"Upgrade": None}, 426),
                    ({"Sec-WebSocket-Version": "12"}, 426), ({"Sec-WebSocket-Key": "short"}, 400),
                    ({"Sec-WebSocket-Key": None}, 400)]
        for headers, status in refusals:
            with WebSocket(self.node, headers=headers) as link:
                self.assertEqual(link.status, status, headers)

    def test_calls(self):
        with WebSocket(self.node) as link:
            self.assertEqual(link.call("getpeers")["result"], [])
            self.assertEqual(link.call("getvalidators", number="v")["id"], "v")
            self.assertEqual(link.call("nothing")["error"]["code"], -32601)
            link.send(TEXT, b"{")
            self.assertEqual(link.message()["error"]["code"], -32700)
            link.send(TEXT, b'{"jsonrpc":"2.0","id":1,', fin=False)
            link.send(PING, b"are you there")
            link.send(0, b'"method":"getpeers"}')
            self.assertEqual(link.frame(), (PONG, b"are you there"))
            self.assertEqual(link.message()["result"], [])

    def test_what_came_with_the_handshake(self):
        body = b'{"jsonrpc":"2.0","id":5,"method":"getpeers"}'
        extra = bytes([0x81, 0x80 | len(body)]) + b"\0\0\0\0" + body
        with WebSocket(self.node, extra=extra) as link:
            self.assertEqual(link.message()["id"], 5)

    def test_many_calls_at_once(self):
        with WebSocket(self.node) as link:
            for number in range(2000):
                link.send(TEXT, json.dumps({"jsonrpc": "2.0", "id": number, "method": "getfinality"}).encode())
            self.assertEqual(sorted(link.message()["id"] for _ in range(2000)), list(range(2000)))

    def test_streams(self):
        with WebSocket(self.node) as link:
            names = ["blocks", "finality", "records"]
            self.assertEqual(link.call("subscribe", names)["result"], names)
            record = link.call("publishinsight", [{"market": "ab" * 32, "start_ms": 1, "length_ms": 1, "price": 9}])
            record = record["result"]["id"]
            told = link.note("records", lambda params: any(row["id"] == record for row in params["records"]))
            row = next(row for row in told["records"] if row["id"] == record)
            self.assertEqual((row["outcome"], row["n_entries"]), ("applied", 1))
            final = link.note("finality", lambda params: params["height"] >= told["height"])
            link.note("blocks")
            self.assertEqual(self.node.call("getrecord", id=record)["block"]["height"], told["height"])
            self.assertGreaterEqual(final["height"], told["height"])
            self.assertEqual(link.call("unsubscribe", ["blocks", "finality"])["result"], ["records"])
            self.assertEqual(link.call("subscribe", ["nothing"])["error"]["code"], -32602)

    def test_sequences_have_no_gaps(self):
        with WebSocket(self.node) as link:
            link.call("subscribe", ["finality"])
            seen = []
            for number in range(5):
                record = self.node.publish(7000 + number)
                self.node.wait_until_final([record])
                seen.append(link.note("finality")["seq"])
            rest = [note["params"]["seq"] for note in link.notes if note["method"] == "finality"]
            seen = sorted(seen + rest)
            self.assertEqual(seen, list(range(seen[0], seen[0] + len(seen))))

    def test_frames_that_are_wrong(self):
        for frame in (b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x81\x05hello", b"\x83\x80\0\0\0\0",
                      b"\x81\xff" + b"\xff" * 12, b"\x89\xfe\x01\x00" + b"\0" * 260):
            with WebSocket(self.node) as link:
                link.link.sendall(frame)
                with self.assertRaises(Closed):
                    link.message()
        with WebSocket(self.node) as link:
            link.send(BINARY, b"{}")
            with self.assertRaises(Closed) as closed:
                link.message()
            self.assertEqual((closed.exception.code, closed.exception.reason), (1003, "expected JSON text"))
        with WebSocket(self.node) as link:
            link.send(TEXT, b'"\xff"')
            with self.assertRaises(Closed):
                link.message()
        self.assertEqual(self.node.call("getpeers"), [])

    def test_a_slow_reader_is_dropped_with_a_reason(self):
        with WebSocket(self.node, receive_bytes=32768) as link:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "rpc.discover"}).encode()
            for _ in range(1000):  # far more to answer than the queue and the kernel hold
                link.send(TEXT, body)
            notchd.until("it was found slow", lambda: self.figure("notch_websockets_slow_total") > 0)
            with self.assertRaises(Closed) as closed:
                while True:
                    link.message()
            self.assertEqual((closed.exception.code, closed.exception.reason), (1008, "slow reader"))

    def figure(self, name):
        for line in self.node.get("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(name)

    def test_no_more_than_there_may_be(self):
        notchd.until("the others' places are free", lambda: self.figure("notch_websockets") == 0)
        links = [WebSocket(self.node) for _ in range(8)]
        try:
            # Each was told 101 before it took its place.
            notchd.until("all places are taken", lambda: self.figure("notch_websockets") == 8)
            with WebSocket(self.node) as one_more:
                self.assertEqual(one_more.status, 503)
        finally:
            for link in links:
                link.link.close()
        notchd.until("their places are free again", lambda: self.figure("notch_websockets") == 0)

    def test_closing(self):
        with WebSocket(self.node) as link:
            link.send(CLOSE, struct.pack(">H", 1000))
            with self.assertRaises(Closed) as closed:
                link.message()
            self.assertEqual(closed.exception.code, 1000)


class Ends(unittest.TestCase):
    def test_stop_closes_with_a_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            node = notchd.Node(Path(folder) / "node")
            with WebSocket(node) as link:
                self.assertEqual(link.call("getpeers")["result"], [])
                self.assertEqual(node.stop(), 0)
                with self.assertRaises(Closed) as closed:
                    link.message()
                self.assertEqual((closed.exception.code, closed.exception.reason), (1001, "the node stops"))


if __name__ == "__main__":
    unittest.main()
