#!/usr/bin/env python3
"""The verifiable random function of base/ecvrf.h, written again from its description.

    tests/vectors/vrf.py            prints tests/vectors/vrf.json
    tests/vectors/vrf.py --check    exits 1 if the file in the tree is not what it would print

Standard library only and slow: this is the second opinion, made of whole numbers, on what the C
code computes with libsecp256k1.
"""

import hashlib
import json
import sys
from pathlib import Path

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
SUITE = b"notch-vrf-secp256k1-sha256-tai/1"
FILE = Path(__file__).resolve().parent / "vrf.json"


def add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def negate(point):
    return point[0], P - point[1]


def lift(x):
    """The point with this x and an even y, or None."""
    if x >= P:
        return None
    square = (pow(x, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    return x, y if y % 2 == 0 else P - y


def pack(point):
    return bytes([2 + point[1] % 2]) + point[0].to_bytes(32, "big")


def unpack(raw):
    if raw[0] not in (2, 3):
        return None
    point = lift(int.from_bytes(raw[1:], "big"))
    if point is None:
        return None
    return point if raw[0] == 2 else negate(point)


def digest(separator, *parts):
    return hashlib.sha256(SUITE + bytes([separator]) + b"".join(parts)).digest()


def encode_to_curve(key, message):
    for counter in range(256):
        point = lift(int.from_bytes(digest(1, pack(key), message, bytes([counter]), b"\0"), "big"))
        if point is not None:
            return point, counter
    raise ValueError("no point in 256 tries")


def challenge(*points):
    return int.from_bytes(digest(2, *map(pack, points), b"\0")[:16], "big")


def nonce(secret, point):
    for counter in range(256):
        scalar = int.from_bytes(digest(5, secret.to_bytes(32, "big"), pack(point), bytes([counter])), "big")
        if 0 < scalar < N:
            return scalar
    raise ValueError("no scalar in 256 tries")


def prove(secret, message):
    key = multiply(secret, G)
    if key[1] % 2:
        secret, key = N - secret, negate(key)
    point, _ = encode_to_curve(key, message)
    gamma = multiply(secret, point)
    k = nonce(secret, point)
    c = challenge(key, point, gamma, multiply(k, G), multiply(k, point))
    s = (k + c * secret) % N
    return pack(gamma) + c.to_bytes(16, "big") + s.to_bytes(32, "big")


def verify(key_x, message, proof):
    """The output, or None."""
    key, gamma = lift(int.from_bytes(key_x, "big")), unpack(proof[:33])
    c, s = int.from_bytes(proof[33:49], "big"), int.from_bytes(proof[49:], "big")
    if key is None or gamma is None or c == 0 or not 0 < s < N:
        return None
    point, _ = encode_to_curve(key, message)
    u = add(multiply(s, G), multiply(c, negate(key)))
    v = add(multiply(s, point), multiply(c, negate(gamma)))
    if u is None or v is None or challenge(key, point, gamma, u, v) != c:
        return None
    return digest(3, pack(gamma), b"\0")


def make_vector(secret, message):
    key = multiply(secret, G)
    even = key if key[1] % 2 == 0 else negate(key)
    point, counter = encode_to_curve(even, message)
    proof = prove(secret, message)
    key_x = key[0].to_bytes(32, "big")
    output = verify(key_x, message, proof)
    if output is None:
        raise AssertionError("the proof does not verify")
    return {
        "secret": secret.to_bytes(32, "big").hex(),
        "key": key_x.hex(),
        "y_of_secret": "odd" if key[1] % 2 else "even",
        "input": message.hex(),
        "h": pack(point).hex(),
        "tries": counter + 1,
        "proof": proof.hex(),
        "output": output.hex(),
    }


def make_file():
    secrets = [1, 2, 3, N - 1, N - 2, (N + 1) // 2]
    secrets += [int.from_bytes(hashlib.sha256(b"secret %d" % i).digest(), "big") % N for i in range(10)]
    vectors = []
    for i, secret in enumerate(secrets):
        message = bytes(32) if i == 0 else hashlib.sha256(b"input %d" % i).digest()
        vectors.append(make_vector(secret, message))
    return {"source": "tests/vectors/vrf.py, an implementation apart from that of base/ecvrf.c", "vectors": vectors}


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
