#!/usr/bin/env python3
"""Proofs of each kind, for the unit test, the second verifier and the fuzzer.

    tests/vectors/proof.py PROOF_SAMPLES --write    writes tests/vectors/proof.json and tests/fuzz/corpora/proof/
    tests/vectors/proof.py PROOF_SAMPLES --check    exits 1 if they are not what it would write

PROOF_SAMPLES is the program (tests/process/proof_samples.c) that builds proofs on small chains of its own; it says the
same whenever it is asked. Of each kind the shortest is taken. What those of proof.json show is said by
contrib/verify_proof.py, which shares no code with the builder. The inputs of the fuzzer are signed with the stand-in
for signatures, as the fuzz target wants them; what else is in that folder is left alone.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = ROOT / "tests" / "vectors" / "proof.json"
CORPUS = ROOT / "tests" / "fuzz" / "corpora" / "proof"
SAMPLES = 240
sys.path.insert(0, str(ROOT / "contrib"))
sys.dont_write_bytecode = True

import verify_proof  # noqa: E402


def kind_of(proof, result):
    """What the proof is an example of, in words."""
    from_genesis = proof[7] == 0
    words = ["from the genesis" if from_genesis else "from a block"]
    words.append("under the checkpoint" if result["by_checkpoint"] else "under a certificate")
    if result["hops"] > 0:
        words.append("with a change of the set" if result["hops"] == 1 else "with changes of the set")
    if from_genesis and result["set_id"] > result["hops"]:
        words.append("of a set that has followed itself")
    if result["block"] == result["final_block"]:
        words.append("in the final block itself")
    return ", ".join(words)


def shortest_of_each_kind(program, crypto):
    """{kind: (proof, checkpoint)}; signatures are not looked at."""
    command = [program, str(SAMPLES), "0", "1", crypto]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    verify_signature = verify_proof.verify_signature
    verify_proof.verify_signature = lambda key, message, sig: True
    found = {}
    for line in lines:
        _, checkpoint, proof = line.split(" ")
        checkpoint, proof = bytes.fromhex(checkpoint), bytes.fromhex(proof)
        kind = kind_of(proof, verify_proof.verify(proof, checkpoint))
        if kind not in found or len(proof) < len(found[kind][0]):
            found[kind] = (proof, checkpoint)
    verify_proof.verify_signature = verify_signature
    return dict(sorted(found.items()))


def published(program):
    rows = []
    for kind, (proof, checkpoint) in shortest_of_each_kind(program, "secp").items():
        result = verify_proof.verify(proof, checkpoint)
        row = {"name": kind, "checkpoint": checkpoint.hex(), "proof": proof.hex()}
        rows.append(row | {name: result[name] for name in ("record", "entry", "block", "final_block")})
    source = "written by tests/vectors/proof.py and read by contrib/verify_proof.py; chain/PROOFS.md has the format"
    return json.dumps({"source": source, "vectors": rows}, indent=2) + "\n"


def corpus(program):
    kinds = shortest_of_each_kind(program, "standin")
    return {kind.replace(", ", "-").replace(" ", "_"): proof for kind, (proof, _) in kinds.items()}


def write(text, inputs):
    FILE.write_text(text)
    CORPUS.mkdir(exist_ok=True)
    for name, proof in inputs.items():
        (CORPUS / name).write_bytes(proof)


def is_current(text, inputs):
    there = {path.name: path.read_bytes() for path in CORPUS.iterdir()}
    if FILE.read_text() != text:
        print(f"{FILE.name} is not what this program writes")
        return False
    if {name: there.get(name) for name in inputs} != inputs:
        print(f"{CORPUS.name}: the inputs of the fuzzer are not what this program writes")
        return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("samples")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    args = parser.parse_args()
    text, inputs = published(args.samples), corpus(args.samples)
    if args.write:
        write(text, inputs)
        return 0
    return 0 if is_current(text, inputs) else 1


if __name__ == "__main__":
    sys.exit(main())
