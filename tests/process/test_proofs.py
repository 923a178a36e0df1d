#!/usr/bin/env python3
"""Compares contrib/verify_proof.py with the node's verifier, proof by proof.

    tests/process/test_proofs.py PROOF_SAMPLES [--good N] [--damaged N] [--seed N]

PROOF_SAMPLES is the program that makes the proofs and says what notch_proof_verify() thinks of each. Here are 40 good
ones and 200 damaged ones; a campaign asks for 10,000 of each. Exit status 1 where the two disagree on any.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "contrib" / "verify_proof.py"
sys.path.insert(0, str(SCRIPT.parent))
sys.dont_write_bytecode = True

import verify_proof  # noqa: E402


def accepts(proof, checkpoint):
    try:
        verify_proof.verify(proof, checkpoint)
        return True
    except verify_proof.Refused:
        return False


def check_bip340():
    """The signature code by itself, on the published vectors."""
    rows = json.loads((ROOT / "tests" / "vectors" / "bip340.json").read_text())["vectors"]
    checked = 0
    for row in rows:
        message = bytes.fromhex(row["message"])
        key, sig = bytes.fromhex(row["key"]), bytes.fromhex(row["sig"])
        if len(message) != 32:
            continue
        if verify_proof.verify_signature(key, message, sig) != row["valid"]:
            print(f"BIP340 vector {row}: the verdict is wrong")
            return False
        checked += 1
    return checked >= 15


def check_published():
    """The proofs in the tree, and what they show."""
    rows = json.loads((ROOT / "tests" / "vectors" / "proof.json").read_text())["vectors"]
    for row in rows:
        result = verify_proof.verify(bytes.fromhex(row["proof"]), bytes.fromhex(row["checkpoint"]))
        if any(result[name] != row[name] for name in ("record", "entry", "block", "final_block")):
            print(f"{row['name']}: shows something else")
            return False
    return len(rows) > 0


def check_command(proof, checkpoint):
    """The script as a command: bytes, hex, an entry of one's own, and its exit status."""
    result = verify_proof.verify(proof, checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "good.bin": proof,
            "good.hex": proof.hex().encode() + b"\n",
            "bad.bin": proof[:-1] + bytes([proof[-1] ^ 1]),
            "entry": bytes.fromhex(result["entry"]),
            "other": bytes.fromhex(result["entry"]) + b"x",
        }
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        cases = [
            (["good.bin", "--checkpoint", checkpoint.hex()], 0),
            (["good.hex", "--checkpoint", checkpoint.hex(), "--json"], 0),
            (["bad.bin", "--checkpoint", checkpoint.hex()], 1),
            (["good.bin", "--checkpoint", bytes(32).hex()], 1),
            (["good.bin", "--checkpoint", checkpoint.hex(), "--entry", "entry"], 0),
            (["good.bin", "--checkpoint", checkpoint.hex(), "--entry", "other"], 1),
            (["good.bin", "--checkpoint", "00"], 2),
            (["missing", "--checkpoint", checkpoint.hex()], 2),
        ]
        for arguments, status in cases:
            done = subprocess.run([sys.executable, SCRIPT, *arguments], cwd=folder, capture_output=True, check=False)
            if done.returncode != status:
                print(f"{arguments}: exit status {done.returncode}, not {status}: {done.stderr.decode()}")
                return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("samples")
    parser.add_argument("--good", type=int, default=40)
    parser.add_argument("--damaged", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    command = [args.samples, str(args.good), str(args.damaged), str(args.seed)]
    counts = {True: 0, False: 0}
    differ = 0
    first = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            verdict, checkpoint, proof = line.rstrip("\n").split(" ")
            checkpoint, proof = bytes.fromhex(checkpoint), bytes.fromhex(proof)
            first = first or (proof, checkpoint)
            accepted = accepts(proof, checkpoint)
            counts[accepted] += 1
            if accepted != (verdict == "1"):
                differ += 1
                print(f"the verifiers disagree: {line.rstrip()}")
    ok = process.returncode == 0 and differ == 0
    ok = ok and counts[True] == args.good and counts[False] == args.damaged
    ok = ok and check_bip340() and check_published() and check_command(*first)
    print(f"{counts[True]} proofs accepted, {counts[False]} refused, {differ} verdicts differ")
    return 0 if ok else 1


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(main())
