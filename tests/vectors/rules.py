#!/usr/bin/env python3
"""Builds tests/vectors/rules_digest.c with every compiler at every level of optimisation, and compares what each says.

    tests/vectors/rules.py           every build must print the known hash
    tests/vectors/rules.py --show    print what each build says

The rules of ai/rules are integer only, so a node says the same whatever built it. Exit status 0: they agree. 1: they do
not, or a build failed.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Changes only with the rules themselves.
KNOWN = "3852992d1a6f1d6282516ed0109edb9ab792f8a69624201ce4884faba0e7b515"

SOURCES = (
    "tests/vectors/rules_digest.c",
    "ai/rules/challenge.c", "ai/rules/challenge_compute.c", "ai/rules/challenge_forecast.c",
    "ai/rules/challenge_model.c", "ai/rules/compute.c", "ai/rules/forecast.c", "ai/rules/net8.c",
    "ai/rules/standing.c",
    "base/alloc.c", "base/assert.c", "base/bytes.c", "base/codec.c", "base/hash.c", "base/rng.c",
    "chain/entry_model.c", "chain/merkle.c",
)

# chain/entry_model.c also holds rows of the table of entries, which nothing here refers to: the linker drops them.
FLAGS = ("-std=c17", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-I.")

BUILDS = [(compiler, (level,)) for compiler in ("gcc", "clang") for level in ("-O0", "-O1", "-O2", "-O3")]
BUILDS += [("gcc", ("-O2", "-fsanitize=undefined", "-fno-sanitize-recover=all")),
           ("gcc", ("-O3", "-march=native"))]


def said_by(compiler, options, folder):
    """What the build prints; None where it cannot be built or fails."""
    program = pathlib.Path(folder) / "rules_digest"
    command = [compiler, *options, *FLAGS, *SOURCES, "-lcrypto", "-o", str(program)]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode != 0:
        print(built.stdout[-2000:], file=sys.stderr)
        return None
    ran = subprocess.run([str(program)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return ran.stdout.strip() if ran.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print what each build says")
    options = parser.parse_args()
    wrong = built = 0
    for compiler, flags in BUILDS:
        if shutil.which(compiler) is None:
            print(f"rules: no {compiler} here: left out", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="notch-rules.") as folder:
            said = said_by(compiler, flags, folder)
        built += 1
        if options.show:
            print(said, compiler, *flags)
        if said != KNOWN:
            wrong += 1
            print(f"rules: {compiler} {' '.join(flags)}: {said}, expected {KNOWN}", file=sys.stderr)
    if built == 0:
        print("rules: no compiler", file=sys.stderr)
    return 1 if wrong or built == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
