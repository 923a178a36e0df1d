#!/usr/bin/env python3
"""Keeps the pure archives pure: refuses what they leave for the linker to find.

    contrib/lint/symbols.py libnotch_base.a ...

A pure folder reads no clock, randomness, file, socket or environment, starts no thread and prints
nothing. The tables are in rules.py: what is refused, what only computes, and the members where a
refused symbol is the point. A symbol in no table is refused too.
Exit status 1 if anything was refused, 2 if an archive cannot be read.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import rules  # noqa: E402


def archive_name(path):
    """libnotch_chain.a is chain."""
    return re.sub(r"^(lib)?(notch_)?|\.a$", "", os.path.basename(path))


def undefined_symbols(path):
    """(member, symbol) for each undefined symbol; alloc.c.o is the member alloc.c."""
    command = [os.environ.get("NM", "nm"), "-u", "-P", "-A", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(done.stderr.strip() or f"nm failed on {path}")
    for line in done.stdout.split("\n"):
        match = re.match(r".*\[(.+?)\]: (\S+) [UuwvV]", line)
        if match:
            yield re.sub(r"\.o(bj)?$", "", match.group(1)), match.group(2).split("@")[0]


def judge(archive, symbol):
    """None if the symbol only computes, else (what it does, the remedy)."""
    for pattern, what, remedy in rules.SYMBOLS_REFUSED:
        if re.fullmatch(pattern, symbol):
            return what, remedy
    allowed = rules.SYMBOLS_PURE + rules.SYMBOLS_PURE_EXTRA.get(archive, [])
    if any(re.fullmatch(pattern, symbol) for pattern in allowed):
        return None
    return "is not known to be pure", "add it to SYMBOLS_PURE in contrib/lint/rules.py if it only computes"


def refused(path):
    archive = archive_name(path)
    for member, symbol in sorted(set(undefined_symbols(path))):
        verdict = judge(archive, symbol)
        if verdict and symbol not in rules.SYMBOLS_EXCEPT.get((archive, member), {}):
            yield f"{archive}/{member}: {symbol} {verdict[0]}: {verdict[1]}"


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) > 1 else 2
    count = 0
    for path in sys.argv[1:]:
        try:
            for line in refused(path):
                print(line)
                count += 1
        except OSError as error:
            print(f"symbols: {error}", file=sys.stderr)
            return 2
    print(f"symbols: {len(sys.argv) - 1} archives, {count} refused")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
