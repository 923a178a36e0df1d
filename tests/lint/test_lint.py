"""Proves that each check of contrib/lint can fail: small bad trees, and the message each must get.

Every case pairs a bad sample with the good one beside it, so that a check that refuses everything
fails here as well.
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINT = ROOT / "contrib" / "lint"
OPENING = "/* A sample. */\n"


def header(guard, body=""):
    return f"{OPENING}#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


class LintCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def put(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def tidy(self, *arguments):
        command = [sys.executable, str(LINT / "tidy.py"), "--root", str(self.root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def assert_refused(self, check, *expected):
        done = self.tidy(check)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for text in expected:
            self.assertIn(text, done.stdout)

    def assert_clean(self, check):
        done = self.tidy(check)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Text(LintCase):
    def test_whitespace_and_endings(self):
        self.put("base/a.c", "int a; \nint b;\t\nint c;\r\nint d;")
        self.assert_refused("text", "base/a.c:1: trailing whitespace: remove it", "base/a.c:2: tab",
                            "base/a.c:3: CRLF line ending: use LF", "base/a.c:4: no newline at the end")

    def test_long_line(self):
        self.put("base/a.c", "/* " + "x" * 115 + "*/\n")
        self.assert_clean("text")
        self.put("base/a.c", "/* " + "x" * 116 + "*/\n")
        self.assert_refused("text", "base/a.c:1: 121 columns: wrap it at 120")

    def test_script_without_ending(self):
        self.put("contrib/tool", "#!/bin/sh\n# " + "x" * 130 + "\n")
        self.assert_refused("text", "contrib/tool:2: 132 columns")

    def test_unfinished_work(self):
        for word in ("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"):
            self.put("README.md", f"{word}: later\n")
            self.assert_refused("text", f"README.md:1: {word} promises work: do it, or open an issue")
        self.put("README.md", "mkdtemp(\"tmp.XX" + "XXXX\") shacks todos\n")
        self.assert_clean("text")


class Paths(LintCase):
    def test_machine_paths(self):
        for path in ("/wo" + "rk/main/x", "/tmp/no" + "tch/x", "/ho" + "me/me/x"):
            self.put("contrib/run", f"#!/bin/sh\ncd {path}\n")
            self.assert_refused("paths", "contrib/run:2: path of a build machine")
        self.put("contrib/run", "#!/bin/sh\ncd net/wo" + "rk/main ../wo" + "rk/x\n")
        self.assert_clean("paths")


class Sizes(LintCase):
    def function(self, lines, before=""):
        body = "    a++;\n" * (lines - 3)
        return f"{before}static void long_one(void)\n{{\n{body}}}\n"

    def test_function(self):
        self.put("base/a.c", "int x = 1;\n" + self.function(70))
        self.assert_clean("sizes")
        self.put("base/a.c", "int x = 1;\n" + self.function(71))
        self.assert_refused("sizes", "base/a.c:2: long_one() has 71 lines, the limit is 70: split it")

    def test_function_waiver_needs_a_reason(self):
        self.put("base/a.c", self.function(71, "/* lint: long: a table that reads top to bottom */\n"))
        self.assert_clean("sizes")
        self.put("base/a.c", self.function(71, "/* lint: long: */\n"))
        self.assert_refused("sizes", "long_one() has 71 lines")

    def test_braces_in_text_do_not_count(self):
        self.put("base/a.c", "#define OPEN {\n/* { */\nstatic char c = '{';\nconst char *s = \"{ \\\" {\";\n"
                 + self.function(71))
        self.assert_refused("sizes", "base/a.c:5: long_one() has 71 lines")

    def test_file_and_header(self):
        self.put("base/a.c", "\n" * 800)
        self.put("base/a.h", "\n" * 200)
        self.assert_clean("sizes")
        self.put("base/a.c", "\n" * 801)
        self.put("base/a.h", "\n" * 201)
        self.assert_refused("sizes", "base/a.c:801: 801 lines, the limit is 800",
                            "base/a.h:201: 201 lines, the limit is 200: split it")


class Blobs(LintCase):
    def test_blob(self):
        self.put("contrib/big.bin", b"x" * 65536)
        self.assert_clean("blobs")
        self.put("contrib/big.bin", b"x" * 65537)
        self.assert_refused("blobs", "contrib/big.bin:1: 65537 bytes, the limit is 65536")
        self.put("contrib/lint/blobs.txt", "contrib/big.bin published vectors\n")
        self.assert_clean("blobs")
        self.put("contrib/lint/blobs.txt", "contrib/big.bin vectors\ncontrib/gone.bin vectors\n")
        self.assert_refused("blobs", "contrib/gone.bin is listed and does not exist")


class Guards(LintCase):
    def test_guard(self):
        self.put("chain/io/a.h", header("NOTCH_CHAIN_IO_A_H"))
        self.assert_clean("guards")
        self.put("chain/io/a.h", header("NOTCH_A_H"))
        self.assert_refused("guards", "chain/io/a.h:2: include guard does not follow from the path: "
                            "use NOTCH_CHAIN_IO_A_H")

    def test_prose(self):
        self.put("base/a.h", header("NOTCH_BASE_A_H").replace(OPENING, ""))
        self.assert_refused("guards", "base/a.h:1: header without an opening comment")


class Layers(LintCase):
    def setUp(self):
        super().setUp()
        for name in ("base/b.h", "chain/c.h", "chain/io/s.h", "consensus/k.h", "node/api.h", "node/core.h", "rpc/r.h",
                     "tests/support/t.h"):
            self.put(name, header("X"))

    def test_allowed(self):
        self.put("consensus/a.c", '#include "base/b.h"\n#include "chain/c.h"\n#include <string.h>\n')
        self.put("rpc/a.c", '#include "node/api.h"\n#include <jansson.h>\n')
        self.put("chain/io/a.c", '#include "chain/c.h"\n#include <leveldb/c.h>\n#include <sys/stat.h>\n')
        self.put("tests/unit/a.c", '#include "node/core.h"\n#include "tests/support/t.h"\n#include <cmocka.h>\n')
        self.put("base/a.c", '/* #include "chain/c.h" */\n#include <secp256k1.h>\n')
        self.assert_clean("layers")

    def test_upwards(self):
        self.put("base/a.c", '#include "chain/c.h"\n')
        self.assert_refused("layers", "base/a.c:1: base may not include chain/c.h: base sees nothing of ours")

    def test_pure_to_io(self):
        self.put("chain/a.c", '\n#include "chain/io/s.h"\n')
        self.assert_refused("layers", "chain/a.c:2: chain may not include chain/io/s.h: chain sees base;")

    def test_rpc_sees_the_api_alone(self):
        self.put("rpc/a.c", '#include "node/core.h"\n')
        self.assert_refused("layers", "rpc/a.c:1: rpc may not include node/core.h")

    def test_product_to_tests(self):
        self.put("base/a.c", '#include "tests/support/t.h"\n')
        self.assert_refused("layers", "base/a.c:1: the product includes tests/support/t.h")

    def test_unknown_folder_and_file(self):
        self.put("extra/a.c", '#include "base/b.h"\n')
        self.put("base/a.c", '#include "b.h"\n')
        self.assert_refused("layers", "extra/a.c is in no folder of the drawing", '"b.h" is no file of the tree')

    def test_foreign(self):
        self.put("chain/a.c", "#include <leveldb/c.h>\n")
        self.put("consensus/a.c", "#include <time.h>\n")
        self.put("node/daemon/a.c", "#include <curl/curl.h>\n")
        self.assert_refused("layers", "chain/a.c:1: <leveldb/c.h> (the store) in chain: it belongs in chain/io",
                            "consensus/a.c:1: <time.h> in the pure folder consensus",
                            "node/daemon/a.c:1: <curl/curl.h> is not known: add it to THIRD_PARTY")

    def test_circle(self):
        self.put("base/x.h", header("X", '#include "base/y.h"'))
        self.put("base/y.h", header("Y", '#include "base/z.h"'))
        self.put("base/z.h", header("Z", '#include "base/y.h"'))
        self.assert_refused("layers", "circular include base/y.h -> base/z.h -> base/y.h: declare the struct forward")


class Banned(LintCase):
    def test_everywhere(self):
        self.put("tests/unit/a.c", "void f(char *s)\n{\n    strcpy(s, \"x\");\n    sleep(1);\n}\n")
        self.assert_refused("banned", "tests/unit/a.c:3: strcpy() is refused here: use snprintf",
                            "tests/unit/a.c:4: sleep() is refused here: use a wait for the condition")

    def test_in_product(self):
        self.put("node/daemon/a.c", "long f(void)\n{\n    return time(0);\n}\n")
        self.assert_refused("banned", "node/daemon/a.c:3: time() is refused here: use `now` of the event")

    def test_in_pure(self):
        code = "void *f(void)\n{\n    assert(1);\n    printf(\"x\");\n    return malloc (3);\n}\n"
        self.put("chain/a.c", code)
        self.assert_refused("banned", "chain/a.c:3: assert()", "chain/a.c:4: printf()",
                            "chain/a.c:5: malloc() is refused here: use notch_alloc")
        self.put("chain/a.c", "")
        self.put("chain/io/a.c", code.replace("assert", "static_assert"))
        self.assert_clean("banned")

    def test_not_a_call(self):
        self.put("chain/a.c", "/* malloc(1) */\nconst char *s = \"free(x)\";\nvoid f(struct a *a)\n{\n"
                 "    a->write(1);\n    a->b.free(2);\n    notch_free(3);\n}\n")
        self.assert_clean("banned")

    def test_exception_is_for_one_file(self):
        self.put("base/alloc.c", "void f(void *p)\n{\n    free(p);\n}\n")
        self.assert_clean("banned")
        self.put("base/other.c", "void f(void *p)\n{\n    free(p);\n}\n")
        self.assert_refused("banned", "base/other.c:3: free()")


class Raw(LintCase):
    CODE = "int f(struct s a)\n{\n    return a.raw;\n}\nint g(struct s *a)\n{\n    return a->raw;\n}\n"

    def test_count_may_only_fall(self):
        self.put("base/a.c", self.CODE)
        self.put("tests/unit/a.c", self.CODE)
        self.assert_clean("raw")
        self.put("chain/a.c", self.CODE)
        self.assert_refused("raw", "chain/a.c:7: 2 reads of .raw without a reason, 0 allowed: use the checked")
        self.put("contrib/lint/raw_access.txt", "# why\nchain/a.c 2\n")
        self.assert_clean("raw")
        self.put("contrib/lint/raw_access.txt", "chain/a.c 3\n")
        self.assert_refused("raw", "chain/a.c has 2 reads of .raw, 3 are listed: keep what was won")

    def test_baseline(self):
        self.put("chain/a.c", self.CODE)
        self.put("contrib/lint/raw_access.txt", "")
        self.assertEqual(self.tidy("--baseline").returncode, 0)
        self.assert_clean("raw")

    def test_reason(self):
        self.put("chain/a.c", self.CODE.replace("a.raw;", "a.raw; /* Raw: the wire form */")
                 .replace("int g", "/* Raw: prints it. */\nint g"))
        self.assert_clean("raw")
        self.put("chain/a.c", self.CODE.replace("int f", "/* Raw: prints it. */\nint f"))
        self.assert_refused("raw", "chain/a.c:8: 1 reads of .raw")


class Headers(LintCase):
    def test_alone(self):
        self.put("base/a.h", header("NOTCH_BASE_A_H", "#include <stdint.h>\nuint8_t notch_a(void);"))
        self.assert_clean("headers")
        self.put("base/a.h", header("NOTCH_BASE_A_H", "uint8_t notch_a(void);"))
        self.assert_refused("headers", "base/a.h:1: does not compile alone", "include or declare what it uses")


class CommandLine(LintCase):
    def test_unknown_check(self):
        done = self.tidy("nosuch")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such check: nosuch", done.stderr)

    def test_every_check_is_a_test(self):
        registered = (ROOT / "tests/lint/CMakeLists.txt").read_text().split("foreach(check ")[1].split(")")[0].split()
        listed = [line.split()[0] for line in self.tidy("--list").stdout.splitlines()]
        self.assertEqual(registered, listed)


class Symbols(LintCase):
    def judge(self, archive, member, code):
        self.put(member, code)
        path = self.root / f"libnotch_{archive}.a"
        path.unlink(missing_ok=True)
        compiler, maker = os.environ.get("CC", "cc"), os.environ.get("AR", "ar")
        subprocess.run([compiler, "-O0", "-c", member, "-o", member + ".o"], cwd=self.root, check=True)
        subprocess.run([maker, "cr", str(path), member + ".o"], cwd=self.root, check=True)
        command = [sys.executable, str(LINT / "symbols.py"), str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def assert_symbol(self, code, *expected):
        done = self.judge("chain", "a.c", code)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for text in expected:
            self.assertIn(text, done.stdout)

    def test_pure(self):
        done = self.judge("chain", "a.c", "#include <stdio.h>\n#include <string.h>\nint notch_x(void);\n"
                          "int f(char *s, const char *t)\n{\n    memmove(s, t, strlen(t));\n"
                          "    return snprintf(s, 3, \"%s\", t) + notch_x();\n}\n")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_refused(self):
        self.assert_symbol("#include <time.h>\nlong f(void)\n{\n    return time(0);\n}\n",
                           "chain/a.c: time reads a clock: take `now` from the event")
        self.assert_symbol("#include <stdio.h>\nvoid f(int i)\n{\n    printf(\"%d\", i);\n}\n",
                           "chain/a.c: printf prints")
        self.assert_symbol("#include <stdlib.h>\nvoid *f(void)\n{\n    return malloc(rand());\n}\n",
                           "chain/a.c: malloc uses the heap", "chain/a.c: rand draws randomness")
        self.assert_symbol("#include <fcntl.h>\nint f(void)\n{\n    return open(\"x\", 0);\n}\n",
                           "chain/a.c: open touches a file")
        self.assert_symbol("int socket(int, int, int);\nint f(void)\n{\n    return socket(1, 2, 3);\n}\n",
                           "chain/a.c: socket touches the network")
        for symbol in ("uv_now", "leveldb_get", "SSL_read", "ares_init", "MHD_stop_daemon"):
            self.assert_symbol(f"int {symbol}(void);\nint f(void)\n{{\n    return {symbol}();\n}}\n",
                               f"chain/a.c: {symbol} belongs below the line")

    def test_unknown(self):
        self.assert_symbol("int frobnicate(void);\nint f(void)\n{\n    return frobnicate();\n}\n",
                           "chain/a.c: frobnicate is not known to be pure")

    def test_keys_are_randomness(self):
        self.assert_symbol("void crypto_kdf_keygen(void);\nvoid f(void)\n{\n    crypto_kdf_keygen();\n}\n",
                           "crypto_kdf_keygen draws randomness")

    def test_exception_is_for_one_member(self):
        code = "#include <stdlib.h>\nvoid f(void *p)\n{\n    free(p);\n}\n"
        self.assertEqual(self.judge("base", "alloc.c", code).returncode, 0)
        self.assertEqual(self.judge("base", "other.c", code).returncode, 1)
        self.assertEqual(self.judge("chain", "alloc.c", code).returncode, 1)

    def test_unreadable_archive(self):
        self.put("libnotch_chain.a", "no archive\n")
        command = [sys.executable, str(LINT / "symbols.py"), str(self.root / "libnotch_chain.a")]
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 2)


class Format(LintCase):
    def test_layout(self):
        self.put(".clang-format", (ROOT / ".clang-format").read_text())
        self.put("a.c", "int f(void)\n{\n    return 1;\n}\n")
        command = [str(LINT / "format"), "--check", str(self.root / "a.c")]
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 0)
        self.put("a.c", "int f(void) {\n  return 1;\n}\n")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("a.c:1: not laid out", done.stdout)
        subprocess.run([str(LINT / "format"), str(self.root / "a.c")], check=True)
        self.assertEqual((self.root / "a.c").read_text(), "int f(void)\n{\n    return 1;\n}\n")


if __name__ == "__main__":
    unittest.main(verbosity=1)
