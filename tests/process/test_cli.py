#!/usr/bin/env python3
"""notch as a whole: its words and exit codes, wallets and proofs without a node, feeds with one."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from notchd import BUILD, PATIENCE_S, Node

NOTCH = BUILD / "notch"
SOURCE = Path(os.environ.get("NOTCH_SOURCE_DIR", "."))
OK, REFUSED, USAGE, UNREACHABLE = range(4)
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def notch(*args, stdin="", env=None, binary=False):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NOTCH_")}
    return subprocess.run([str(NOTCH.resolve()), *map(str, args)], input=stdin.encode() if binary else stdin,
                          capture_output=True, text=not binary, timeout=PATIENCE_S, check=False,
                          env={**clean, **(env or {})}, start_new_session=True)


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def ok(self, *args, **options):
        done = notch(*args, **options)
        self.assertEqual(done.returncode, OK, done.stderr)
        return done.stdout

    def refused(self, *args, code=REFUSED, **options):
        """What it says."""
        done = notch(*args, **options)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return done.stderr

    def write(self, name, text):
        path = self.dir / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def wallet(self, network="dev", name="wallet.key"):
        path = self.dir / name
        self.ok("wallet", "restore", "--wallet", path, "--network", network, stdin=WORDS)
        return path


class Words(InFolder):
    def commands(self):
        listed = self.ok("--help").split("\n\n")[2].splitlines()
        return [line[2:19].strip() for line in listed]

    def test_every_command_explains_itself(self):
        commands = self.commands()
        self.assertGreater(len(commands), 20)
        for command in commands:
            text = self.ok(*command.split(), "--help")
            self.assertIn(f"Usage: notch {command}", text)
            self.assertRegex(text, f"Example:\n  .*notch {command}")
            self.assertIn("Exit status: 0", text)

    def test_wrong_usage(self):
        self.assertIn("no such command: conquer", self.refused("conquer", code=USAGE))
        self.assertIn("no such option: --frob", self.refused("status", "--frob", code=USAGE))
        self.assertIn("an argument is missing", self.refused("record", "get", code=USAGE))
        self.assertIn("one argument too many", self.refused("status", "now", code=USAGE))
        self.assertIn("--rpc", self.refused("status", "--rpc", code=USAGE))
        self.assertIn("is no URL", self.refused("status", "--rpc", "localhost:1", code=USAGE))
        self.assertIn("nothing to feed", self.refused("feed", code=USAGE))
        self.assertIn("1 to 256", self.refused("feed", "--market", "x", "--entries", "257", "--dry-run", code=REFUSED)
                      .replace("cannot open x: not found", "1 to 256"))
        self.refused(code=USAGE)

    def test_no_node(self):
        said = self.refused("status", "--data", self.dir, "--rpc", "http://127.0.0.1:1", code=UNREACHABLE)
        self.assertIn("no node answers on 127.0.0.1 port 1", said)
        self.assertIn("notchd", said)
        done = notch("status", "--rpc", "http://127.0.0.1:1", "--json")
        self.assertEqual(json.loads(done.stdout)["error"]["code"], UNREACHABLE)

    def test_manual_and_completion(self):
        manual = self.ok("manual")
        for command in self.commands():
            self.assertIn(f".SS notch {command}", manual)
        script = self.write("completion", self.ok("completion"))
        probe = (f"source {script}; COMP_WORDS=(notch wallet); COMP_CWORD=2; _notch; echo ${{COMPREPLY[*]}}; "
                 "COMP_WORDS=(notch feed --mar); COMP_CWORD=2; _notch; echo ${COMPREPLY[*]}")
        done = subprocess.run(["bash", "-c", probe], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        first, second = done.stdout.splitlines()
        self.assertEqual(set(first.split()), {"new", "restore", "address", "sign"})
        self.assertEqual(second, "--market")


class Offline(InFolder):
    def test_a_wallet_comes_back_from_its_words(self):
        made = json.loads(self.ok("wallet", "new", "--wallet", self.dir / "a", "--network", "test", "--json"))
        self.assertEqual(len(made["words"].split()), 24)
        self.assertEqual((self.dir / "a").stat().st_mode & 0o777, 0o600)
        back = json.loads(self.ok("wallet", "restore", "--wallet", self.dir / "b", "--network", "test", "--json",
                                  stdin=made["words"].upper().replace(" ", "\n")))
        self.assertEqual(back["author"], made["author"])
        self.assertTrue(made["author"].startswith("tnotch1"))
        self.assertEqual(self.ok("wallet", "address", "--wallet", self.dir / "b").strip(), made["author"])
        self.assertIn("--force", self.refused("wallet", "new", "--wallet", self.dir / "a"))
        self.assertIn("word 2", self.refused("wallet", "restore", "--wallet", self.dir / "c",
                                             stdin="legal winer thank"))
        self.assertIn("notch wallet new", self.refused("wallet", "address", "--wallet", self.dir / "nothing"))

    def test_passwords(self):
        password = self.write("password", "correct horse\n")
        self.ok("wallet", "new", "--wallet", self.dir / "w", "--password-file", password)
        self.assertIn("wrong password", self.refused("wallet", "address", "--wallet", self.dir / "w"))
        self.ok("wallet", "address", "--wallet", self.dir / "w", "--password-file", password)

    def test_addresses(self):
        wallet = self.wallet()
        seen = {self.ok("wallet", "address", "--wallet", wallet, "--role", role, "--index", index)
                for role, index in (("operator", 0), ("validator", 0), ("author", 0), ("author", 2147483647))}
        seen |= {self.ok("wallet", "address", "--wallet", wallet, "--party", name) for name in ("a", "country:X, the")}
        self.assertEqual(len(seen), 6)
        again = self.ok("wallet", "address", "--wallet", self.wallet(name="again"), "--party", "a")
        self.assertIn(again, seen)
        self.refused("wallet", "address", "--wallet", wallet, "--index", 2147483648, code=USAGE)
        key_file = self.dir / "validator.key"
        address = self.ok("wallet", "address", "--wallet", wallet, "--role", "validator", "--key-file", key_file)
        self.assertEqual(self.ok("wallet", "address", "--wallet", key_file, "--role", "validator"), address)
        self.assertIn("holds the validator key 0 alone", self.refused("wallet", "address", "--wallet", key_file))

    def genesis(self, *args, name="genesis"):
        key = self.ok("wallet", "address", "--wallet", self.wallet(name=f"{name}.key"), "--role", "validator").strip()
        return self.dir / name, ("genesis", "new", "--name", "shops", "--network", "dev", "--member", key,
                                 "--governance", key, "--seed", "11" * 32, "--time0-ms", 1_700_000_000_000,
                                 "--out", self.dir / name, *args)

    def test_genesis(self):
        path, command = self.genesis()
        shown = json.loads(self.ok(*command, "--json"))
        self.assertEqual(shown["members"][0]["validator"], shown["governance"][0])
        first = path.read_bytes()
        self.assertIn("is there already", self.refused(*command))
        self.assertEqual(json.loads(self.ok(*command, "--json", "--force"))["hash"], shown["hash"])
        self.assertEqual(path.read_bytes(), first)
        other, command = self.genesis("--mode", "public", name="other")
        self.assertNotEqual(json.loads(self.ok(*command, "--json"))["hash"], shown["hash"])
        self.assertIn("--name is needed", self.refused("genesis", "new", code=USAGE))
        self.assertIn("no chain can begin like that", self.refused("genesis", "new", "--name", "x", "--out",
                                                                     self.dir / "x"))
        self.assertFalse((self.dir / "x").exists())

    def test_signing(self):
        path, command = self.genesis()
        self.ok(*command)
        wallet = self.dir / "genesis.key"
        entry = {"type": "insight", "market": "ab" * 32, "start_ms": 0, "length_ms": 86400000, "price": "1500000"}
        entries = self.write("entries.json", json.dumps([entry]))
        sign = ("wallet", "sign", entries, "--genesis", path, "--wallet", wallet)
        record = bytes.fromhex(self.ok(*sign).strip())
        signed = json.loads(self.ok(*sign, "--json"))
        self.assertEqual(len(record) * 2, len(signed["record"]))
        # The salt is of the content: the same again has it again, whatever the time.
        self.assertEqual(record[41:57].hex(), signed["record"][82:114])
        self.assertIn("expected", self.refused("wallet", "sign", self.write("bad.json", '[{"type":"insight"}]'),
                                               "--genesis", path, "--wallet", wallet))
        self.assertIn("JSON array", self.refused("wallet", "sign", self.write("worse.json", "{"), "--genesis", path,
                                                 "--wallet", wallet))
        self.assertIn("is no genesis file", self.refused("wallet", "sign", entries, "--genesis", entries, "--wallet",
                                                         wallet))
        self.assertIn("network main", self.refused("wallet", "sign", entries, "--genesis", path, "--wallet",
                                                   self.wallet(network="main", name="main.key")))

    def test_a_proof_that_is_none(self):
        nothing = self.write("p.proof", b"\x00" * 100)
        self.assertIn("not proven", self.refused("proof", "verify", nothing, "--checkpoint", "00" * 32))
        self.assertIn("cannot read", self.refused("proof", "verify", self.dir / "x", "--checkpoint", "00" * 32))
        self.assertIn("64 hex digits", self.refused("proof", "verify", nothing, code=USAGE))
        self.assertIn("64 hex digits", self.refused("proof", "verify", nothing, "--checkpoint", "0", code=USAGE))


HEAD = "time,market,product,price,quantity\n"
GOOD = "2022-01-01,m,p,1.5,2\n"


class Files(InFolder):
    """What is wrong with a CSV file is named: row, column, why; good rows go on with --skip-bad alone."""

    def check(self, text, *said, rows=None, args=()):
        path = self.write("prices.csv", text)
        done = notch("feed", "--market", path, "--dry-run", *args)
        self.assertEqual(done.returncode, REFUSED, done.stdout)
        for words in said:
            self.assertIn(words, done.stdout + done.stderr)
        if rows is not None:
            done = notch("feed", "--market", path, "--dry-run", "--skip-bad", "--json", *args)
            self.assertEqual(done.returncode, OK, done.stderr)
            summary = json.loads(done.stdout)
            self.assertEqual((summary["taken"], summary["refused"]), rows)

    def test_bad_cells(self):
        for cell, why in (("x", "not a plain decimal number"), ("NaN", "not a plain decimal number"),
                          ("-1", "negative"), ("", "empty"), ("inf", "not a plain decimal number")):
            self.check(HEAD + GOOD + f"2022-01-02,m,p,{cell},2\n" + GOOD, f"row 3, column 4 (price): {why}",
                       rows=(2, 1))
        self.check(HEAD + "soon,m,p,1,2\n" + GOOD, "row 2, column 1 (time): no date", rows=(1, 1))
        self.check(HEAD + "2022-01-01,m,p,1,two\n", "row 2, column 5 (quantity)", rows=(0, 1))
        self.check(HEAD + "2999-01-01,m,p,1,2\n", "in the future", rows=(0, 1))

    def test_bad_rows(self):
        self.check(HEAD + "2022-01-01,m,p\n" + GOOD, "row 2, column 4: the row has fewer cells", rows=(1, 1))
        self.check(HEAD + "2022-01-01,m,p,1,2,3\n" + GOOD, "row 2, column 6: the row has more cells", rows=(1, 1))
        self.check(HEAD + '2022-01-01,"m\nn",p,1,2\n2022-01-01,m,p,x,2\n',
                   "row 2, column 2 (market): a control character", "row 3 (line 4), column 4 (price)", rows=(0, 2))
        self.check(HEAD + GOOD + '2022-01-01,"m,p,1,2\n', "row 3, column 2: the file ends inside of quotes",
                   rows=(1, 1))
        self.check(HEAD + GOOD + "2022-01-01,m,p,1\0,2\n", "a zero byte", rows=(1, 1))

    def test_bad_files(self):
        self.check("", "is empty")
        self.check("time,market,product,price\n", 'no column "quantity"',
                   "the columns are: time, market, product, price")
        self.check("a,b\n1,2\n", 'no column "x" for time', args=("--columns", "time=x"))
        self.assertIn("cannot open", self.refused("feed", "--market", self.dir / "none.csv", "--dry-run"))

    def test_good_files(self):
        for text in (HEAD + GOOD, (HEAD + GOOD).replace("\n", "\r\n"), b"\xef\xbb\xbf" + (HEAD + GOOD).encode(),
                     (HEAD + GOOD).replace(",", ";"), (HEAD + GOOD).replace(",", "\t"), HEAD + GOOD.strip(),
                     HEAD + "\n" + GOOD, HEAD + '"2022-01-01","m","p, the ""best""","1.5","2"\n'):
            summary = json.loads(self.ok("feed", "--market", self.write("prices.csv", text), "--dry-run", "--json"))
            self.assertEqual((summary["taken"], summary["refused"], summary["insights"]), (1, 0, 1), text)

    def test_rows_out_of_order_are_reported(self):
        path = self.write("prices.csv", HEAD + "2022-01-02,m,p,1,1\n2022-01-01,m,p,1,1\n2022-01-01,n,p,1,1\n")
        self.assertIn("1 rows were older", self.ok("feed", "--market", path, "--dry-run"))

    def test_real_files(self):
        """The weeks of avocados and orange juice, where they are."""
        data = Path(os.environ.get("NOTCH_DATA_DIR", SOURCE / "contrib/data"))
        avocado = data / "avocado_hab_2017_2020.csv"
        if avocado.exists():
            summary = json.loads(self.ok("feed", "--market", avocado, "--dry-run", "--json", "--where",
                                         "geo_level=market", "--columns", "time=week_ending,market=geography,"
                                         "product=type,price=avg_price_usd,quantity=total_units"))
            self.assertEqual((summary["rows"], summary["refused"], summary["period"]), (21274, 0, "week"))
        juice = data / "dominicks_oj_weeks_040_130.csv"
        if juice.exists():
            summary = json.loads(self.ok("feed", "--market", juice, "--dry-run", "--json", "--time-format", "week",
                                         "--time-origin", "1989-09-14", "--quantity-log", "e", "--columns",
                                         "time=week,market=store,product=brand,price=price_per_oz,quantity=logmove"))
            self.assertEqual((summary["rows"], summary["refused"], summary["insights"]), (79640, 0, 79640))
        shipped = SOURCE / "contrib/data"
        summary = json.loads(self.ok("feed", "--market", shipped / "avocado_monthly.csv", "--needs",
                                     shipped / "needs.csv",
                                     "--capacities", shipped / "capacities.csv", "--recognition",
                                     shipped / "recognition.csv", "--dry-run", "--json"))
        self.assertEqual((summary["refused"], summary["insights"], summary["period"]), (0, 720, "month"))


class WithNode(InFolder):
    def setUp(self):
        super().setUp()
        self.node = Node(self.dir / "node")
        self.addCleanup(lambda: self.node.process.poll() is None and self.node.kill())
        self.at = ("--data", self.dir / "node")

    def feed(self, *args, expected=OK):
        done = notch("feed", *self.at, "--json", *args)
        self.assertEqual(done.returncode, expected, done.stderr)
        return json.loads(done.stdout.splitlines()[0])

    def test_the_same_feed_twice_adds_nothing(self):
        data = SOURCE / "contrib/data"
        files = ("--market", data / "avocado_monthly.csv", "--needs", data / "needs.csv", "--capacities",
                 data / "capacities.csv", "--recognition", data / "recognition.csv", "--wait")
        first = self.feed(*files)
        self.assertEqual(first["published"], first["records"])
        self.assertEqual((first["duplicates"], first["refused_records"], first["final"]), (0, 0, first["records"]))
        self.assertEqual(first["applied"], first["records"], first["outcomes"])
        info = self.node.info()
        self.assertEqual((info["records"], info["entries"]), (first["records"], first["entries"]))
        second = self.feed(*files)
        self.assertEqual((second["published"], second["duplicates"]), (0, first["records"]))
        self.assertEqual(self.node.info()["records"], first["records"])
        openings = (self.dir / "node/wallet.key.openings")
        self.assertEqual(openings.stat().st_mode & 0o777, 0o600)
        self.assertEqual(len(openings.read_text().splitlines()), 12)
        opened = self.feed("--needs", data / "needs.csv", "--reveal", "--wait")
        self.assertEqual((opened["published"], opened["applied"]), (12, 12))

    def test_a_file_that_grew_adds_what_is_new(self):
        old = HEAD + "".join(f"2022-01-0{day},m,p,1.5,2\n" for day in range(1, 5))
        self.assertEqual(self.feed("--market", self.write("a.csv", old), "--wait")["published"], 4)
        again = self.feed("--market", self.write("a.csv", old + "2022-01-05,m,p,1.6,2\n"), "--wait")
        self.assertEqual((again["published"], again["duplicates"]), (1, 4))

    def test_a_bad_row_publishes_nothing(self):
        path = self.write("a.csv", HEAD + GOOD + "2022-01-02,m,p,x,2\n")
        self.assertIn("nothing was published", self.refused("feed", *self.at, "--market", path))
        self.assertEqual(self.node.info()["submitted"], 0)
        self.assertEqual(self.feed("--market", path, "--skip-bad")["published"], 1)

    def test_the_log_names_every_record(self):
        log = self.dir / "log"
        self.feed("--market", SOURCE / "contrib/data/avocado_monthly.csv", "--log", log, "--rate", 1000, "--wait")
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        self.assertEqual(len({line["id"] for line in lines}), 45)
        for line in lines[:3]:
            self.assertEqual(self.node.status(line["id"]), "final")
            self.assertLessEqual(line["submitted_ms"], line["answered_ms"])

    def test_proofs(self):
        self.feed("--market", self.write("a.csv", HEAD + GOOD + "2022-01-01,n,p,1,1\n"), "--wait")
        record = json.loads(self.ok("record", "list", *self.at, "--json"))["records"][0]["id"]
        path = self.dir / "p.proof"
        proof = notch("proof", "get", f"{record}:1", *self.at, binary=True).stdout
        path.write_bytes(proof)
        info = self.node.info()
        self.node.stop()
        shown = json.loads(self.ok("proof", "verify", path, "--checkpoint", info["genesis"], "--json"))
        self.assertEqual((shown["record"], shown["index"], shown["type"]), (record, 1, "insight"))
        self.ok("proof", "verify", self.write("hex", proof.hex() + "\n"), "--checkpoint", info["genesis"])
        wrong = bytes.fromhex(info["genesis"])
        for i in (0, 31):
            changed = wrong[:i] + bytes([wrong[i] ^ 1]) + wrong[i + 1:]
            self.assertIn("not proven", self.refused("proof", "verify", path, "--checkpoint", changed.hex()))
        for i in range(0, len(proof), max(1, len(proof) // 40)):
            path.write_bytes(proof[:i] + bytes([proof[i] ^ 0x40]) + proof[i + 1:])
            self.assertIn("not proven", self.refused("proof", "verify", path, "--checkpoint", info["genesis"]))
        self.assertIn("of another entry", self.refused("proof", "verify", self.dir / "hex", "--checkpoint",
                                                       info["genesis"], "--entry", "0102"))

    def test_one_thing_at_a_time(self):
        market = ("--market", "avocado|Boston|USD|each|", "--time", "2024-03-04", "--length", "week")
        done = json.loads(self.ok("insight", "publish", *self.at, *market, "--price", "1.35", "--trend-ppm",
                                  "-5", "--json"))
        self.assertFalse(done["duplicate"])
        need = ("--resource", "rice||||", "--period", "2024-Q1", "--amount", "5000.5")
        committed = json.loads(self.ok("need", "commit", *self.at, *need, "--json"))["id"]
        self.node.wait_until_final([committed, done["id"]])
        opened = json.loads(self.ok("need", "reveal", *self.at, *need, "--json"))["id"]
        offered = json.loads(self.ok("capacity", "offer", *self.at, *need, "--kind", "flow", "--json"))["id"]
        key = self.ok("wallet", "address", *self.at).strip()
        given = json.loads(self.ok("recognise", *self.at, f"{key}=1000000", "--json"))["id"]
        self.node.wait_until_final([opened, offered, given])
        for record, kind in ((done["id"], "insight"), (committed, "need_commit"), (opened, "need_reveal"),
                             (offered, "capacity"), (given, "recognition")):
            text = self.ok("record", "get", record, *self.at)
            self.assertIn(f'"type": "{kind}"', text)
            self.assertRegex(text, r"outcome +applied")
        listed = json.loads(self.ok("record", "list", *self.at, "--type", "capacity", "--json"))["records"]
        self.assertEqual([record["id"] for record in listed], [offered])
        self.assertIn("outcome", self.ok("record", "status", offered, *self.at))
        self.assertIn("expected", self.refused("need", "commit", *self.at, "--resource", "x", "--period", "soon",
                                               "--amount", "1", code=USAGE))

    def test_offline_signing(self):
        entry = {"type": "insight", "market": "ab" * 32, "start_ms": 0, "length_ms": 86400000, "price": "1500000"}
        entries = self.write("entries.json", json.dumps([entry]))
        signed = self.ok("wallet", "sign", entries, "--genesis", self.dir / "node/genesis", *self.at)
        done = json.loads(self.ok("record", "submit", "-", *self.at, "--json", stdin=signed))
        self.node.wait_until_final([done["id"]])
        again = self.ok("record", "submit", "-", *self.at,
                        stdin=self.ok("wallet", "sign", entries, "--genesis", self.dir / "node/genesis", *self.at))
        self.assertIn("nothing was added", again)
        self.assertIn("submitrecord", self.refused("record", "submit", "-", *self.at, stdin="00ff"))

    def test_looking_around(self):
        self.assertIn("(dev, private)", self.ok("status", *self.at))
        self.assertIn("no peers", self.ok("peers", *self.at))
        self.assertEqual(json.loads(self.ok("peers", *self.at, "--json")), [])
        self.assertIn("block", self.ok("block", "0", *self.at))
        self.assertEqual(json.loads(self.ok("rpc", "getpeers", *self.at)), [])
        self.assertIn("method not found", self.refused("rpc", "nonsense", *self.at).lower())
        self.assertIn("no JSON", self.refused("rpc", "getblock", "{", *self.at, code=USAGE))
        self.assertIn("getrecord", self.refused("record", "get", "00" * 32, *self.at))
        port = (self.dir / "node/rpc.port").read_text().strip()
        self.assertIn("another credential", self.refused("status", "--data", self.dir, "--rpc",
                                                         f"http://127.0.0.1:{port}"))


if __name__ == "__main__":
    unittest.main()
