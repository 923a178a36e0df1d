#!/usr/bin/env python3
"""What python3-mnemonic and python3-bip32utils make of the same entropies and paths.

    tests/vectors/wallet_oracle.py COUNT

Prints a JSON object {"vectors": [...]} of COUNT wallets, the same in every run: for
tests/vectors/test_wallet_oracle.c, which compares.
"""

import hashlib
import json
import sys

import bip32utils
import mnemonic

HARDENED = bip32utils.BIP32_HARDEN


def make_wallet(number):
    noise = hashlib.sha512(b"wallet %d" % number).digest()
    entropy = noise[: (16, 20, 24, 28, 32)[number % 5]]
    passphrase = "" if number % 3 == 0 else noise[40:48].hex()
    words = mnemonic.Mnemonic("english").to_mnemonic(entropy)
    seed = bytes(mnemonic.Mnemonic.to_seed(words, passphrase))
    node = bip32utils.BIP32Key.fromEntropy(seed)
    path = "m"
    for level in range(number % 6):
        index = int.from_bytes(noise[32 + level * 4 : 36 + level * 4], "big")
        path += f"/{index % HARDENED}" + ("'" if index >= HARDENED else "")
        node = node.ChildKey(index)
    return {
        "entropy": entropy.hex(),
        "mnemonic": words,
        "passphrase": passphrase,
        "seed": seed.hex(),
        "path": path,
        "xprv": node.ExtendedKey(private=True),
        "xpub": node.ExtendedKey(private=False),
    }


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    json.dump({"vectors": [make_wallet(number) for number in range(int(sys.argv[1]))]}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
