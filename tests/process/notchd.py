"""A notchd that runs, for the tests of whole programs: started, asked over its RPC, stopped, killed.

Nothing here waits for a time to pass: it waits for what it names, and gives up after a minute.
"""

import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

BUILD = Path(os.environ.get("NOTCH_BUILD_DIR", "build/dev"))
NOTCHD = BUILD / "notchd"
PATIENCE_S = 60
DAY_MS = 86_400_000


class RpcError(Exception):
    """An error that the node answered."""

    def __init__(self, error):
        super().__init__(f"{error['code']} {error['message']}: {error.get('data', {}).get('reason', '')}")
        self.code = error["code"]
        self.reason = error.get("data", {}).get("reason", "")


def until(what, condition):
    """Asks again and again, and returns the first answer that is true."""
    give_up = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while time.monotonic() < give_up:
        answer = condition()
        if answer:
            return answer
        pause.wait(0.01)
    raise AssertionError(f"waited {PATIENCE_S} s in vain: {what}")


def run(*args, stdin=None, env=None):
    """A notchd that ends by itself: its exit code and what it said."""
    return subprocess.run([str(NOTCHD.resolve()), *map(str, args)], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False, input=stdin, env={**os.environ, **(env or {})})


class Node:
    """A notchd on a chain of its own."""

    def __init__(self, data, *args, env=None, dev=True, wait=True):
        self.data = Path(data)
        command = [str(NOTCHD.resolve()), "--data", str(data), *(["--dev"] if dev else []), *map(str, args)]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env={**os.environ, **(env or {})})
        self.port = None
        self.connection = None
        if wait:
            self.wait_until_started()

    def wait_until_started(self):
        try:
            until("notchd runs", self.has_started)
        except AssertionError:
            self.kill()
            raise

    def has_started(self):
        if self.process.poll() is not None:
            raise AssertionError(f"notchd ended with {self.process.returncode}: {self.said()}")
        try:
            self.port = int((self.data / "rpc.port").read_text())
            cookie = (self.data / "rpc.cookie").read_text().strip()
        except (FileNotFoundError, ValueError):
            return False
        self.headers = {"Authorization": "Basic " + base64.b64encode(cookie.encode()).decode(),
                        "Content-Type": "application/json"}
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def said(self):
        if not self.log.closed:
            self.log.seek(0)
            self.words = self.log.read()
        return self.words

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request("GET", path)
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer

    def post(self, body):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            self.connection.request("POST", "/", json.dumps(body), self.headers)
            return json.loads(self.connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            self.connection.close()
            self.connection = None
            raise

    def call(self, method, **params):
        answer = self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def publish(self, number, count=1):
        """One record of `count` insights that no other number makes; its id, once it is acknowledged."""
        insights = [{"market": f"{number:064x}", "start_ms": 1_700_000_000_000 + i * DAY_MS, "length_ms": DAY_MS,
                     "price": str(1_000_000 + number)} for i in range(count)]
        answer = self.call("publishinsight", insights=insights)
        if answer["status"] not in ("stored", "included", "confirmed", "final", "settled"):
            raise AssertionError(f"not acknowledged: {answer}")
        return answer["id"]

    def info(self):
        return self.call("getinfo")

    def status(self, record):
        return self.call("getrecordstatus", id=record)["status"]

    def wait_until_final(self, records):
        for record in records:
            until(f"{record} is final", lambda r=record: self.status(r) in ("final", "settled"))

    def disconnect(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def end(self):
        """Waits for the end; the exit code."""
        self.disconnect()
        code = self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()
        self.said()
        self.log.close()
        return code

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def kill(self):
        self.process.kill()
        return self.end()


class Disk:
    """A small file system in memory, seen through the root of the process that keeps it."""

    def __init__(self, mebibytes):
        self.point = tempfile.mkdtemp()
        script = f"mount -t tmpfs -o size={mebibytes}m disk '{self.point}' && echo there && exec cat"
        self.keeper = subprocess.Popen(["unshare", "--map-root-user", "--mount", "sh", "-c", script],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True)
        self.works = self.keeper.stdout.readline() == "there\n"
        self.path = Path(f"/proc/{self.keeper.pid}/root{self.point}")

    def fill(self, leave):
        """Writes a file that leaves that many bytes; remove it to make room again."""
        filler = self.path / "filler"
        free = shutil.disk_usage(self.path).free
        filler.write_bytes(b"\0" * max(0, free - leave))
        return filler

    def close(self):
        self.keeper.stdin.close()
        self.keeper.wait(timeout=PATIENCE_S)
        self.keeper.stdout.close()
        os.rmdir(self.point)
