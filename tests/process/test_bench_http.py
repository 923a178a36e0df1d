#!/usr/bin/env python3
"""contrib/bench: http_load against rpc_echo, what they refuse, and that they end by themselves.

Run with NOTCH_BUILD_DIR set to the build folder.
"""

import http.client
import json
import os
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

BENCH = Path(os.environ.get("NOTCH_BUILD_DIR", "build/dev")) / "bench"
TEMPLATE = {"jsonrpc": "2.0", "id": 7, "result": {"height": "12345", "list": [1, 2.5, None, True], "text": "gr\u00fcn"}}
REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "getrecord", "params": ["00ff"]}


def run(program, *args):
    return subprocess.run([str(BENCH / program), *map(str, args)], capture_output=True, text=True, timeout=60,
                          check=False)


class Echo:
    """A running rpc_echo."""

    def __init__(self, template, *args):
        self.process = subprocess.Popen([str(BENCH / "rpc_echo"), "--template", str(template), *args],
                                        stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def post(self, body, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, "/", body)
        response = connection.getresponse()
        answer = response.status, json.loads(response.read())
        connection.close()
        return answer


class BenchHttp(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.template = self.source("template.json", json.dumps(TEMPLATE))
        self.body = self.source("body.json", json.dumps(REQUEST))

    def source(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def test_the_echo_answers_its_template_with_the_id_asked(self):
        for threads in ("1", "3"):
            with self.subTest(threads=threads), Echo(self.template, "--threads", threads) as echo:
                self.assertEqual(echo.post(json.dumps({**REQUEST, "id": "x"})), (200, {**TEMPLATE, "id": "x"}))
                self.assertEqual(echo.post("{")[1]["error"]["code"], -32700)
                self.assertEqual(echo.post('{"id":1,"id":2,"method":"x"}')[1]["error"]["code"], -32700)
                self.assertEqual(echo.post("")[1]["error"]["code"], -32700)
                self.assertEqual(echo.post("[]")[1]["error"]["code"], -32600)
                self.assertEqual(echo.post(" " * (1024 * 1024 + 1))[0], 413)
                self.assertEqual(echo.post("", method="GET")[0], 405)

    def test_the_load_is_answered_and_measured(self):
        with Echo(self.template) as echo:
            result = run("http_load", "--url", f"127.0.0.1:{echo.port}", "--body", self.body, "--connections", 8,
                         "--seconds", "0.3", "--warm-up", "0.1", "--header", "Authorization: Basic eDp5")
        self.assertEqual(result.returncode, 0, result.stderr)
        figures = json.loads(result.stdout)
        self.assertEqual(figures["errors"], 0)
        self.assertGreater(figures["requests"], 0)
        self.assertAlmostEqual(figures["requests_per_s"], figures["requests"] / 0.3, delta=1)
        self.assertTrue(0 < figures["p50_us"] <= figures["p99_us"] <= figures["max_us"])
        size = len(json.dumps({"jsonrpc": "2.0", "result": TEMPLATE["result"], "id": 1}, separators=(",", ":"),
                              ensure_ascii=False).encode())
        self.assertEqual(figures["reply_bytes_mean"], size)

    def test_bodies_take_turns_and_refusals_are_errors(self):
        bodies = self.source("bodies", json.dumps(REQUEST) + "\nnot json\n")
        with Echo(self.template) as echo:
            result = run("http_load", "--url", f"http://127.0.0.1:{echo.port}/", "--bodies", bodies,
                         "--connections", 1, "--seconds", "0.2", "--warm-up", 0)
        self.assertEqual(result.returncode, 0, result.stderr)
        figures = json.loads(result.stdout)
        self.assertLessEqual(abs(figures["errors"] - figures["requests"]), 1)
        self.assertIn("parse error", result.stderr)

    def test_no_good_reply_is_a_failure(self):
        with Echo(self.template) as echo:
            result = run("http_load", "--url", f"127.0.0.1:{echo.port}", "--body", self.body, "--expect", "nowhere",
                         "--seconds", "0.2", "--warm-up", 0)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(json.loads(result.stdout)["requests"], 0)

    def test_a_server_that_is_not_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            result = run("http_load", "--url", f"127.0.0.1:{unused.getsockname()[1]}", "--body", self.body)
        self.assertEqual(result.returncode, 3)
        self.assertIn("nothing answers", result.stderr)

    def test_a_port_that_is_taken(self):
        with Echo(self.template) as echo:
            result = run("rpc_echo", "--template", self.template, "--port", echo.port, "--seconds", 1)
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot listen", result.stderr)

    def test_other_machines_are_refused(self):
        for url in ("10.0.0.1:80", "127.0.0.2:80", "localhost:80", "example.org:80", "127.0.0.1.example.org:80",
                    "https://127.0.0.1:80", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
                    "127.0.0.1", "127.0.0.1:80/a b", "127.0.0.1:80/\r\nX: y"):
            with self.subTest(url=url):
                result = run("http_load", "--url", url, "--body", self.body)
                self.assertEqual(result.returncode, 2)
                self.assertIn("127.0.0.1:PORT", result.stderr)

    def test_usage(self):
        url = ("--url", "127.0.0.1:1")
        for args in ((), url, (*url, "--body", "a", "--bodies", "b"), (*url, "--body", "a", "--seconds", "601"),
                     (*url, "--body", "a", "--seconds", "nan"), (*url, "--body", "a", "--connections", "0"),
                     (*url, "--body", "a", "--header", "no colon"), (*url, "--body", "a", "--header", "A: b\r\nC: d")):
            with self.subTest(args=args):
                self.assertEqual(run("http_load", *args).returncode, 2)
        for args in ((), ("--template", "x", "--threads", "0"), ("--template", "x", "--port", "65536"),
                     ("--template", "x", "--seconds", "3601"), ("--template", "x", "y")):
            with self.subTest(args=args):
                self.assertEqual(run("rpc_echo", *args).returncode, 2)

    def test_templates_that_are_none(self):
        for text in ("", "{", "[]", '{"error":{}}'):
            with self.subTest(text=text):
                result = run("rpc_echo", "--template", self.source("bad.json", text), "--seconds", 1)
                self.assertEqual(result.returncode, 1)
                self.assertIn("bad.json", result.stderr)

    def test_the_echo_ends_by_itself(self):
        result = run("rpc_echo", "--template", self.template, "--seconds", 1)
        self.assertEqual(result.returncode, 0)
        self.assertGreater(json.loads(result.stdout)["port"], 0)


if __name__ == "__main__":
    unittest.main()
