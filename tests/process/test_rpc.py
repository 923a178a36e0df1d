#!/usr/bin/env python3
"""The RPC of a running notchd from outside: HTTP, credentials, limits, bad input, metrics.

Run with NOTCH_BUILD_DIR set to the build folder.
"""

import base64
import http.client
import json
import shutil
import socket
import stat
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import notchd

INFO = {"jsonrpc": "2.0", "id": 1, "method": "getinfo"}


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


class Running(unittest.TestCase):
    """One node for all tests of a class."""

    ARGS = ()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.data = Path(folder.name) / "node"
        cls.node = notchd.Node(cls.data, *cls.ARGS)
        cls.cookie = {"Authorization": cls.node.headers["Authorization"]}

    @classmethod
    def tearDownClass(cls):
        assert cls.node.stop() == 0, cls.node.said()

    def ask(self, body, headers=None, method="POST", path="/"):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, data, self.cookie if headers is None else headers)
        response = connection.getresponse()
        answer = response.status, dict(response.getheaders()), response.read()
        connection.close()
        return answer

    def raw(self, data):
        """Bytes to the socket, and all that comes back until the node closes it, perhaps before it read them all."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.node.port), timeout=60) as link:
            try:
                link.sendall(data)
                link.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            try:
                while chunk := link.recv(65536):
                    answer += chunk
            except ConnectionResetError:
                pass
        return answer

    def figures(self):
        lines = self.ask(None, {}, "GET", "/metrics")[2].decode().splitlines()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    def taken(self):
        info = self.node.info()
        return info["records"], info["pending_records"], info["acknowledged"], info["batches_made"]


class Http(Running):
    def test_pages(self):
        status, headers, body = self.ask(None, {}, "GET")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; charset=utf-8"))
        self.assertIn(b"rpc.discover", body)
        self.assertEqual(self.ask(None, {}, "GET", "/health")[::2], (200, b"ok\n"))
        self.assertEqual(self.ask(None, {}, "GET", "/nothing")[0], 404)

    def test_metrics_please_promtool(self):
        self.node.publish(1)
        notchd.until("it is counted", lambda: self.figures()["notch_records_acknowledged_total"] >= 1)
        status, headers, body = self.ask(None, {}, "GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        lines = body.decode().splitlines()
        for line in lines:
            self.assertTrue(line.startswith(("#", "notch_")), line)
        figures = self.figures()
        self.assertGreater(figures["notch_process_resident_bytes"], 1 << 20)
        self.assertIn("notch_store_commits_total", figures)
        self.assertIn('notch_http_request_seconds_bucket{le="+Inf"}', figures)
        if shutil.which("promtool") is None:
            self.skipTest("promtool is not installed")
        checked = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stderr), (0, b""))

    def test_credentials(self):
        for headers in ({}, {"Authorization": "Basic"}, {"Authorization": "Basic !!!"}, {"Authorization": "Bearer x"},
                        basic("__cookie__", ""), basic("__cookie__", "0" * 64), basic("nobody", "x"),
                        {"Authorization": "Basic " + "A" * 4000}, basic("a\0b", "c")):
            status, answer, body = self.ask(INFO, headers)
            self.assertEqual(status, 401, headers)
            self.assertEqual(answer["WWW-Authenticate"], 'Basic realm="notch"')
            self.assertEqual(json.loads(body)["error"]["code"], -32003)
        self.assertEqual(self.ask(INFO)[0], 200)
        mode = (self.data / "rpc.cookie").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_hosts_and_origins(self):
        def with_host(host, **more):
            return self.ask(INFO, {**self.cookie, "Host": host, **more})[0]
        for host in ("localhost", "127.0.0.1", "LocalHost:1", "[::1]", "[::1]:80", "10.0.0.1:7079"):
            self.assertEqual(with_host(host), 200, host)
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "[::1", "localhost:x"):
            self.assertEqual(with_host(host), 403, host)
        self.assertEqual(with_host("localhost", Origin="http://localhost"), 200)
        for origin in ("http://evil.example", "null", "https://localhost", "http://localhost.evil.example"):
            self.assertEqual(with_host("localhost", Origin=origin), 403, origin)
        answer = self.raw(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer)
        answer = self.raw(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        self.assertRegex(answer, rb"^HTTP/1\.[01] 400")

    def test_methods(self):
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"):
            status, headers, _ = self.ask(None, None, method)
            self.assertEqual(status, 405, method)
            self.assertEqual(headers["Allow"], "GET, POST")
        self.assertEqual(self.ask(INFO, None, "POST", "/health")[0], 405)

    def test_bodies_that_are_not_taken(self):
        before = self.taken()
        cookie = self.cookie["Authorization"].encode()
        start = b"POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + cookie + b"\r\n"
        answer = self.raw(start + b"Content-Length: %d\r\n\r\n" % ((4 << 20) + 1))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413"), answer)
        self.assertIn(b"-32006", answer)
        answer = self.raw(start + b"Content-Length: 99999999999999999999999\r\n\r\n{}")
        self.assertRegex(answer, rb"^HTTP/1\.1 (400|413)")
        for length in (b"-1", b"1x", b"x"):
            answer = self.raw(start + b"Content-Length: " + length + b"\r\n\r\n{}")
            self.assertTrue(answer.startswith(b"HTTP/1.1 400") or answer == b"", answer)
        chunks = b"".join(b"%x\r\n%s\r\n" % (1 << 19, b" " * (1 << 19)) for _ in range(9)) + b"0\r\n\r\n"
        answer = self.raw(start + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
        self.assertTrue(answer.startswith(b"HTTP/1.1 413"), answer[:80])
        for data in (start + b"Content-Length: 100\r\n\r\n{\"json", b"\x16\x03\x01\x02\x00\x01\x00"):
            with socket.create_connection(("127.0.0.1", self.node.port)) as link:
                link.sendall(data)  # half a body, somebody who expects TLS: and gone
        self.raw(b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n")
        self.assertEqual(self.taken(), before)

    def test_json_that_is_wrong(self):
        before = self.taken()
        cases = [(b"", -32700), (b"{", -32700), (b'{"id":1,"id":2}', -32700), (b"\xff", -32700), (b"[" * 100, -32700),
                 (b'{"jsonrpc":"2.0","id":1,"method":"getinfo"}x', -32700), (b"{}\0", -32700), (b"[]", -32600),
                 (b"1", -32600), (b"{}", -32600), (b'{"jsonrpc":"2.0","id":1,"method":"no"}', -32601),
                 (b'{"jsonrpc":"2.0","id":1,"method":"submitrecord","params":["zz"]}', -32602),
                 (b'{"jsonrpc":"2.0","id":1,"method":"submitrecord","params":[1]}', -32602),
                 (b'{"jsonrpc":"2.0","id":1,"method":"submitrecord","params":{"recrod":"00"}}', -32602),
                 (b'{"jsonrpc":"2.0","id":1,"method":"submitrecord","params":["00"]}', -32002),
                 (b'{"jsonrpc":"2.0","id":1,"method":"getblock","params":[99999999999999999999]}', -32700),
                 (b'{"jsonrpc":"2.0","id":1,"method":"getblock","params":[-1]}', -32602)]
        for body, code in cases:
            status, headers, answer = self.ask(body)
            self.assertEqual((status, headers["Content-Type"]), (200, "application/json"), body)
            error = json.loads(answer)["error"]
            self.assertEqual(error["code"], code, body)
            self.assertTrue(error["data"]["reason"], body)
        self.assertEqual(self.taken(), before)

    def test_batches_and_notifications(self):
        note = {"jsonrpc": "2.0", "method": "getinfo"}
        self.assertEqual(self.ask(note)[::2], (204, b""))
        self.assertEqual(self.ask([note, note])[::2], (204, b""))
        status, _, body = self.ask([INFO, note, {**INFO, "id": "x", "method": "getfinality"}, 1])
        self.assertEqual(status, 200)
        self.assertEqual([answer["id"] for answer in json.loads(body)], [1, "x", None])
        self.assertEqual(json.loads(self.ask([INFO] * 257)[2])["error"]["code"], -32006)

    def test_submissions_side_by_side(self):
        """Connections that wait for the disk do not keep others from being answered."""
        def publish(number):
            insights = [{"market": f"{number:064x}", "start_ms": 1_700_000_000_000, "length_ms": 1, "price": 1}]
            body = {"jsonrpc": "2.0", "id": number, "method": "publishinsight", "params": [insights]}
            return json.loads(self.ask(body)[2])
        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(publish, range(1000, 1200)))
        self.assertEqual([answer["id"] for answer in answers], list(range(1000, 1200)))
        records = {answer["result"]["id"] for answer in answers}
        self.assertEqual(len(records), 200)
        self.node.wait_until_final(records)
        page = self.node.call("listrecords", market=f"{1000:064x}")
        self.assertIn(page["records"][0]["id"], records)

    def test_the_main_way(self):
        record = self.node.publish(77)
        self.node.wait_until_final([record])
        self.assertEqual(self.node.publish(77), record)
        read = self.node.call("getrecord", id=record)
        self.assertEqual(read["entries"][0]["price"], "1000077")

        def proof():
            try:
                return self.node.call("getproof", id=record, index=0)
            except notchd.RpcError as error:
                self.assertEqual(error.code, -32001)
                return None
        shown = notchd.until("a certificate covers the record", proof)
        verdict = self.node.call("verifyproof", proof=shown["proof"], checkpoint=shown["checkpoint"])
        self.assertEqual((verdict["valid"], verdict["record"]), (True, record))

    def test_the_document_lists_what_is_answered(self):
        document = self.node.call("rpc.discover")
        self.assertEqual(document["openrpc"], "1.2.6")
        for method in document["methods"]:
            required = [param["name"] for param in method["params"] if param["required"]]
            body = {"jsonrpc": "2.0", "id": 1, "method": method["name"], "params": {"no such parameter": 1}}
            error = json.loads(self.ask(body)[2])["error"]
            self.assertIn(error["code"], (-32602, -32004), method["name"])
            self.assertEqual(len(set(required)), len(required))


class Users(Running):
    """Roles, and the limits on strangers."""

    @classmethod
    def setUpClass(cls):
        hashes = {name: notchd.run("--hash-password", stdin=f"{name}-secret\n").stdout.strip()
                  for name in ("reader", "writer")}
        cls.ARGS = ("--rpc.user", f"reader:read:{hashes['reader']}", "--rpc.user", f"writer:submit:{hashes['writer']}",
                    "--rpc.requests_per_second_max", "20", "--rpc.metrics_private", "true",
                    "--rpc.host", "node.example")
        super().setUpClass()

    def call(self, user, method, params=()):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return notchd.until("within the rate", lambda: self.unless_too_fast(body, basic(user, f"{user}-secret")))

    def unless_too_fast(self, body, headers):
        status, _, answer = self.ask(body, headers)
        return None if status == 429 else (status, json.loads(answer))

    def test_roles(self):
        status, answer = self.call("reader", "getpeers")
        self.assertEqual((status, answer["result"]), (200, []))
        forbidden = (("reader", "submitrecord"), ("reader", "stop"), ("writer", "stop"), ("writer", "getconfig"))
        for user, method in forbidden:
            status, answer = self.call(user, method, ["00"] if method == "submitrecord" else [])
            self.assertEqual((status, answer["error"]["code"]), (403, -32003), (user, method))
        status, answer = self.call("writer", "submitrecord", ["00"])
        self.assertEqual((status, answer["error"]["code"]), (200, -32002))

    def test_wrong_passwords_are_slowed_down(self):
        body = {"jsonrpc": "2.0", "id": 1, "method": "getpeers"}
        statuses = [self.ask(body, basic("reader", f"wrong{i}"))[0] for i in range(12)]
        self.assertEqual(set(statuses) - {401, 429}, set())
        self.assertIn(401, statuses)

    def test_the_rate(self):
        statuses = [self.ask(INFO)[0] for _ in range(200)]
        self.assertEqual(set(statuses), {200, 429})
        self.assertGreaterEqual(statuses.count(200), 20)

    def test_private_metrics_and_named_hosts(self):
        self.assertEqual(self.ask(None, {}, "GET", "/metrics")[0], 401)
        with_name = {"Host": "node.example:80"}
        self.assertEqual(self.ask(None, with_name, "GET", "/health")[0], 200)


class Ends(unittest.TestCase):
    def test_stop_answers_and_removes_the_cookie(self):
        with tempfile.TemporaryDirectory() as folder:
            node = notchd.Node(Path(folder) / "node")
            self.assertEqual(node.call("stop"), "stopping")
            self.assertEqual(node.end(), 0, node.said())
            self.assertFalse((node.data / "rpc.cookie").exists())

    def test_other_addresses_must_be_allowed(self):
        with tempfile.TemporaryDirectory() as folder:
            ended = notchd.run("--dev", "--data", Path(folder) / "node", "--rpc.bind", "0.0.0.0")
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn("rpc", ended.stderr.lower())


if __name__ == "__main__":
    unittest.main()
