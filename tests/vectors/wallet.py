#!/usr/bin/env python3
"""The keys of each role, their text and the salt of a record, computed again from their description.

    tests/vectors/wallet.py            prints tests/vectors/wallet.json
    tests/vectors/wallet.py --check    exits 1 if the file in the tree is not what it would print

A second opinion on wallet/wallet.h and base/keytext.h with the standard library alone.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import vrf  # noqa: E402  the curve

FILE = Path(__file__).resolve().parent / "wallet.json"
HARDENED = 2**31
PREFIXES = ("notch", "tnotch", "dnotch")
ROLES = ("operator", "validator", "node", "author")
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
LEGAL_END = "legal winner thank year wave sausage worth title"
MNEMONICS = (
    ("00" * 16, "abandon " * 11 + "about", ""),
    ("7f" * 32, "legal winner thank year wave sausage worth useful " * 2 + LEGAL_END, ""),
    ("80" * 16, "letter advice cage absurd amount doctor acoustic avoid letter advice cage above", "TREZOR"),
)


def child(secret, chain, index):
    data = b"\0" + secret.to_bytes(32, "big") + (index + HARDENED).to_bytes(4, "big")
    digest = hmac.new(chain, data, hashlib.sha512).digest()
    return (int.from_bytes(digest[:32], "big") + secret) % vrf.N, digest[32:]


def derive(words, passphrase, path):
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic" + passphrase.encode(), 2048)
    digest = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
    secret, chain = int.from_bytes(digest[:32], "big"), digest[32:]
    for index in path:
        secret, chain = child(secret, chain, index)
    return secret


def polymod(values):
    state = 1
    for value in values:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for i, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= term if top >> i & 1 else 0
    return state


def key_text(prefix, key):
    bits = "".join(f"{byte:08b}" for byte in key) + "0000"
    data = [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]
    head = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    checksum = polymod(head + data + [0] * 6) ^ 0x2BC830A3
    data += [checksum >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(LETTERS[value] for value in data)


def tagged(tag, message):
    head = hashlib.sha256(tag).digest()
    return hashlib.sha256(head + head + message).digest()


def make_vector(entropy, words, passphrase, network, role, index):
    secret = derive(words, passphrase, (7079, network, role, index))
    raw = secret.to_bytes(32, "big")
    key = vrf.multiply(secret, vrf.G)[0].to_bytes(32, "big")
    genesis = hashlib.sha256(b"genesis of " + PREFIXES[network].encode()).digest()
    content = hashlib.sha256(b"content %d" % index).digest()
    salt = tagged(b"notch/record/salt" + genesis, tagged(b"notch/wallet/salt-key", raw) + content)[:16]
    return {
        "entropy": entropy,
        "passphrase": passphrase,
        "network": ("main", "test", "dev")[network],
        "role": ROLES[role],
        "index": index,
        "path": f"m/7079'/{network}'/{role}'/{index}'",
        "secret": raw.hex(),
        "key": key.hex(),
        "text": key_text(PREFIXES[network], key),
        "genesis": genesis.hex(),
        "content": content.hex(),
        "salt": salt.hex(),
    }


def make_file():
    vectors = []
    for entropy, words, passphrase in MNEMONICS:
        for network in range(3):
            for role in range(4):
                index = (0, 1, 2147483647)[(network + role) % 3]
                vectors.append(make_vector(entropy, words, passphrase, network, role, index))
    return {"source": "tests/vectors/wallet.py, an implementation apart from that of wallet/", "vectors": vectors}


def main():
    text = json.dumps(make_file(), indent=2) + "\n"
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text() != text:
            print(f"{FILE.name} is not what this program makes", file=sys.stderr)
            return 1
        return 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
