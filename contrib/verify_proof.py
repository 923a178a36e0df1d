#!/usr/bin/env python3
"""Verifies a proof that an entry is final on a Notch chain, with nothing but Python's standard library.

    contrib/verify_proof.py FILE --checkpoint HASH [--entry FILE] [--json]

FILE holds the proof, as bytes or as hex ('-': standard input). HASH is the genesis hash, or the hash of a final block,
from somebody you trust. --entry compares the entry with the bytes (type, length, payload) that you have.
Exit status: 0 the proof shows what is printed, 1 it does not, 2 wrong usage or an unreadable file.

Written from chain/PROOFS.md, whose sections are named below; it shares no code with the node.
"""

import argparse
import hashlib
import json
import sys

# ---- BIP340 ----------------------------------------------------------------------------------

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
INFINITY = (1, 1, 0)


def double(point):
    """Jacobian coordinates: (x / z^2, y / z^3); z = 0 is the point at infinity."""
    x, y, z = point
    if z == 0:
        return point
    yy = y * y % P
    s = 4 * x * yy % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def add(a, b):
    if a[2] == 0:
        return b
    if b[2] == 0:
        return a
    za, zb = a[2] * a[2] % P, b[2] * b[2] % P
    ua, ub = a[0] * zb % P, b[0] * za % P
    sa, sb = a[1] * zb * b[2] % P, b[1] * za * a[2] % P
    h, r = (ub - ua) % P, (sb - sa) % P
    if h == 0:
        return double(a) if r == 0 else INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, ua * hh % P
    x = (r * r - hhh - 2 * v) % P
    return x, (r * (v - x) - sa * hhh) % P, h * a[2] * b[2] % P


def multiples(point):
    """0 to 15 times the point."""
    table = [INFINITY, point]
    while len(table) < 16:
        table.append(add(table[-1], point))
    return table


G_TABLE = multiples((*G, 1))


def two_products(a, b, point):
    """a * G + b * point, four bits of each at a time."""
    table = multiples(point)
    total = INFINITY
    for shift in range(252, -4, -4):
        for _ in range(4):
            total = double(total)
        total = add(total, G_TABLE[a >> shift & 15])
        total = add(total, table[b >> shift & 15])
    return total


LIFTED = {}


def lift_x(x):
    """The point with this x and an even y, or None."""
    if x >= P:
        return None
    if x not in LIFTED:
        square = (pow(x, 3, P) + 7) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P != square:
            return None
        if len(LIFTED) > 10000:
            LIFTED.clear()
        LIFTED[x] = (x, y if y % 2 == 0 else P - y, 1)
    return LIFTED[x]


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged(tag, message):
    t = sha256(tag)
    return sha256(t + t + message)


def verify_signature(key, message, sig):
    point = lift_x(int.from_bytes(key, "big"))
    r, s = int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:], "big")
    if point is None or r >= P or s >= N:
        return False
    e = int.from_bytes(tagged(b"BIP0340/challenge", sig[:32] + key + message), "big") % N
    x, y, z = two_products(s, (N - e) % N, point)
    if z == 0:
        return False
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P == r and y * square * inverse % P % 2 == 0


# ---- section 2: encoding ---------------------------------------------------------------------

HEADER_LEN = 490
SIGNAL, PENDING = 1, 2
GENESIS_MAX = 128 << 10
SET_MAX = 42014
VOTES_MAX = 256 << 10
PAYLOAD_MAX = 30 << 10
PROOF_MAX = 16 << 20


class Refused(Exception):
    """What is wrong with the proof."""


def require(condition, reason):
    if not condition:
        raise Refused(reason)


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def bytes(self, length):
        require(length <= len(self.data) - self.at, "cut short")
        self.at += length
        return self.data[self.at - length : self.at]

    def uint(self, length):
        return int.from_bytes(self.bytes(length), "little")

    def uvar(self, maximum=2**64 - 1):
        value = shift = 0
        while True:
            group = self.uint(1)
            value |= (group & 0x7F) << shift
            require(value < 2**64, "a number beyond 64 bits")
            if group < 0x80:
                require(group != 0 or shift == 0, "a number that is not in its shortest form")
                require(value <= maximum, "a number beyond its bound")
                return value
            shift += 7
            require(shift < 70, "a number beyond 64 bits")

    def blob(self, maximum):
        return self.bytes(self.uvar(maximum))

    def done(self):
        require(self.at == len(self.data), "bytes behind the end")


class Chain:
    """The tags of one chain (section 3)."""

    def __init__(self, genesis):
        self.genesis = genesis
        self.tags = {}

    def hash(self, name, message):
        if name not in self.tags:
            t = sha256(b"notch/" + name + self.genesis)
            self.tags[name] = hashlib.sha256(t + t)
        state = self.tags[name].copy()
        state.update(message)
        return state.digest()


class Header:
    def __init__(self, chain, data):
        self.hash = chain.hash(b"block", data)
        reader = Reader(data)
        reader.uint(2)
        self.flags = reader.uint(1)
        self.slot = reader.uint(8)
        self.height = reader.uint(8)
        self.time_ms = reader.uint(8)
        reader.bytes(32)
        self.set_id = reader.uint(4)
        self.set_root = reader.bytes(32)
        self.next_set_root = reader.bytes(32)
        reader.bytes(2 + 81)
        self.batches_root = reader.bytes(32)
        self.n_batches = reader.uint(4)
        reader.bytes(4 + 4 * 32)
        self.history_root = reader.bytes(32)
        reader.bytes(2 * 40)
        reader.done()
        require(self.flags in (0, SIGNAL, PENDING), "flags of a header")
        require((self.flags == SIGNAL) == (self.next_set_root != bytes(32)), "next_set_root of a header")


def encode_uvar(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_members(members):
    """What the root of a set is over: its encoding without the id."""
    return encode_uvar(len(members)) + b"".join(key + encode_uvar(weight) for key, weight in members)


def decode_set(data):
    reader = Reader(data)
    set_id = reader.uint(4)
    count = reader.uvar(1000)
    require(count > 0, "a set without members")
    members = []
    for _ in range(count):
        key = reader.bytes(32)
        weight = reader.uvar()
        require(not members or members[-1][0] < key, "members out of order")
        require(0 < weight < 2**48, "the weight of a member")
        members.append((key, weight))
    reader.done()
    require(sum(weight for _, weight in members) < 2**48, "the weight of a set")
    return set_id, members


def decode_votes(data):
    """(common bytes, validator, signature) for each vote."""
    reader = Reader(data)
    votes = []
    last_order = None
    for _ in range(reader.uvar()):
        common = reader.bytes(124)
        fields = Reader(common)
        set_id, root8, slot = fields.uint(4), fields.bytes(8), fields.uint(8)
        source_slot, source = fields.uint(8), fields.bytes(32)
        target, head = fields.bytes(32), fields.bytes(32)
        order = (slot, set_id, target, source_slot, source, head, root8)
        require(last_order is None or last_order < order, "votes out of order")
        last_order = order
        count = reader.uvar(1024)
        require(count > 0, "a bundle without votes")
        last_validator = -1
        for _ in range(count):
            validator = reader.uint(2)
            require(validator != 0xFFFF, "a vote of nobody")
            require(validator > last_validator, "votes out of order")
            last_validator = validator
            votes.append((common, validator, reader.bytes(64)))
    reader.done()
    return votes


def decode_genesis(data):
    """(key, reputation) of each member."""
    reader = Reader(data)
    require(reader.bytes(6) == b"notch1" and reader.uint(1) == 1, "not a genesis file")
    reader.blob(32)
    reader.bytes(2)
    for _ in range(4):
        reader.uvar()
    reader.bytes(1)
    for _ in range(5 + 6 + 3):
        reader.uvar()
    reader.bytes(32)
    members = []
    for _ in range(reader.uvar(1000)):
        key = reader.bytes(32)
        reader.bytes(32)
        members.append((key, reader.uvar()))
        reader.uvar()
    for _ in range(reader.uvar(32)):
        reader.bytes(32)
    reader.uvar()
    reader.done()
    return members


# ---- section 4: trees ------------------------------------------------------------------------


def leaf_hash(data):
    return sha256(b"\x00" + data)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def path_len(index, size):
    length = 0
    while size > 1:
        split = 1 << (size - 1).bit_length() - 1
        if index < split:
            size = split
        else:
            index, size = index - split, size - split
        length += 1
    return length


def read_inclusion(reader, data, index, size, root, reason):
    require(index < size, reason)
    path = [reader.bytes(32) for _ in range(path_len(index, size))]
    node, last = leaf_hash(data), size - 1
    for sibling in path:
        if index % 2 == 1 or index == last:
            node = node_hash(sibling, node)
            while index % 2 == 0 and index > 0:
                index, last = index // 2, last // 2
        else:
            node = node_hash(node, sibling)
        index, last = index // 2, last // 2
    require(node == root, reason)


# ---- section 6: the first set ----------------------------------------------------------------


def first_weights(reputations):
    w = [reputation // 1000 for reputation in reputations]
    total = sum(w)
    if total > 0:
        w = [each * 2**40 // total for each in w]
    count = sum(each > 0 for each in w)
    if count <= 3:
        return [2**40 // count if each > 0 else 0 for each in w]
    greatest = max(w)
    substantial = sum(each > 0 and 4 * each >= greatest for each in w)
    f = max(1, (substantial - 1) // 3 if substantial <= 22 else (substantial + 11) // 12)
    low, high = 1, greatest
    while low < high:
        middle = (low + high + 1) // 2
        if 3 * f * middle < sum(min(each, middle) for each in w):
            low = middle
        else:
            high = middle - 1
    return [min(each, low) for each in w]


# ---- section 5: steps ------------------------------------------------------------------------


class Verifier:
    def __init__(self, proof, checkpoint):
        self.reader = Reader(proof)
        self.checkpoint = checkpoint
        self.chain = None
        self.set_root = None
        self.set_id = 0
        self.result = {}

    def header(self):
        return Header(self.chain, self.reader.bytes(HEADER_LEN))

    def trust_set_of(self, header):
        signal = header.flags == SIGNAL
        self.set_root = header.next_set_root if signal else header.set_root
        self.set_id = header.set_id + (1 if signal else 0)

    def anchor(self):
        """The checkpoint's block, or None where it is the genesis."""
        require(self.reader.bytes(6) == b"notchp", "not a proof")
        require(self.reader.uint(1) == 1, "unknown version")
        kind = self.reader.uint(1)
        if kind == 0:
            genesis = self.reader.blob(GENESIS_MAX)
            require(tagged(b"notch/genesis", genesis) == self.checkpoint, "the genesis is not the checkpoint")
            self.chain = Chain(self.checkpoint)
            members = decode_genesis(genesis)
            require(members, "a genesis without members")
            weights = first_weights([reputation for _, reputation in members])
            first = [(key, weight) for (key, _), weight in zip(members, weights) if weight > 0]
            self.set_root = self.chain.hash(b"set", encode_members(first))
            return None
        require(kind == 1, "unknown kind of checkpoint")
        self.chain = Chain(self.reader.bytes(32))
        header = self.header()
        require(header.hash == self.checkpoint, "the block it starts from is not the checkpoint")
        self.trust_set_of(header)
        return header

    def certified(self):
        header = self.header()
        encoded_set = self.reader.blob(SET_MAX)
        votes = decode_votes(self.reader.blob(VOTES_MAX))
        set_id, members = decode_set(encoded_set)
        root = self.chain.hash(b"set", encoded_set[4:])
        require(root == self.set_root and set_id >= self.set_id, "not the set in force")
        own = set_id == header.set_id and root == header.set_root
        pending = header.flags == PENDING and set_id == header.set_id + 1
        require(own or pending, "not the set that could make this block final")
        require(len(votes) <= len(members), "more votes than members")
        source_slot = None
        voted = set()
        weight = 0
        for common, validator, sig in votes:
            fields = Reader(common)
            require(fields.uint(4) == set_id and fields.bytes(8) == root[:8], "a vote of another set")
            slot, this_source = fields.uint(8), fields.uint(8)
            source_slot = this_source if source_slot is None else source_slot
            require(this_source == source_slot and this_source >= header.slot, "the slot of a vote's source")
            require(slot == this_source + 1, "a vote of another slot")
            require(fields.bytes(32) == header.hash, "a vote with another source")
            require(validator < len(members) and validator not in voted, "a vote of nobody, or one too many")
            voted.add(validator)
            signed = self.chain.hash(b"vote", common)
            require(verify_signature(members[validator][0], signed, sig), "the signature of a vote")
            weight += members[validator][1]
        total = sum(each for _, each in members)
        require(3 * weight > 2 * total, "not more than two thirds of the weight have voted")
        self.result.update(set_id=set_id, weight=weight, weight_total=total)
        return header

    def final(self, anchor):
        hops = self.reader.uvar(65536)
        for _ in range(hops):
            header = self.certified()
            require(header.flags == SIGNAL, "a change of the set in a block that signals none")
            self.trust_set_of(header)
        kind = self.reader.uint(1)
        self.result.update(hops=hops, by_checkpoint=kind == 0)
        if kind == 0:
            require(anchor is not None and hops == 0, "the checkpoint is no block to show it under")
            return anchor
        require(kind == 1, "unknown kind of final block")
        return self.certified()

    def place(self, final):
        kind = self.reader.uint(1)
        if kind == 0:
            return final
        require(kind == 1, "unknown place of the block")
        header = self.header()
        reason = "the block is not in the history of the final one"
        require(final.height <= 2**63, reason)
        read_inclusion(self.reader, header.hash, header.height, final.height, final.history_root, reason)
        return header

    def batch(self, block):
        """How many records the batch has, and their root."""
        index = self.reader.uvar()
        start = self.reader.at
        self.reader.bytes(32 + 8 + 8)
        count = self.reader.uvar(344)
        root = self.reader.bytes(32)
        require(count > 0, "an empty batch")
        batch_id = self.chain.hash(b"batch", self.reader.data[start : self.reader.at])
        self.result["batch"] = batch_id.hex()
        read_inclusion(
            self.reader, batch_id, index, block.n_batches, block.batches_root, "the batch is not in the block"
        )
        return count, root

    def record(self, count, root):
        """How many entries the record has, and their root."""
        index = self.reader.uvar()
        start = self.reader.at
        require(self.reader.uint(1) == 1, "unknown version of a record")
        author = self.reader.bytes(32)
        ts_ms = self.reader.uint(8)
        self.reader.bytes(16 + 32)
        entries = self.reader.uvar(256)
        entries_root = self.reader.bytes(32)
        require(entries > 0, "an empty record")
        signed = self.chain.hash(b"record/sign", self.reader.data[start : self.reader.at])
        sig = self.reader.bytes(64)
        record_id = self.chain.hash(b"record/id", signed + sig)
        read_inclusion(self.reader, record_id, index, count, root, "the record is not in the batch")
        require(verify_signature(author, signed, sig), "the author's signature")
        self.result.update(record=record_id.hex(), author=author.hex(), record_ts_ms=ts_ms)
        return entries, entries_root

    def entry(self, count, root):
        index = self.reader.uvar()
        start = self.reader.at
        entry_type = self.reader.uvar()
        self.reader.blob(PAYLOAD_MAX)
        encoded = self.reader.data[start : self.reader.at]
        read_inclusion(self.reader, encoded, index, count, root, "the entry is not in the record")
        self.result.update(entry_index=index, entry_type=entry_type, entry=encoded.hex())

    def run(self):
        require(len(self.reader.data) <= PROOF_MAX, "larger than 16 MiB")
        final = self.final(self.anchor())
        block = self.place(final)
        self.entry(*self.record(*self.batch(block)))
        self.reader.done()
        self.result.update(
            genesis=self.chain.genesis.hex(),
            block=block.hash.hex(),
            height=block.height,
            slot=block.slot,
            time_ms=block.time_ms,
            final_block=final.hash.hex(),
            final_height=final.height,
        )
        return self.result


def verify(proof, checkpoint, entry=None):
    """What the proof shows, as a dict. Raises Refused with the reason if it shows nothing."""
    result = Verifier(bytes(proof), bytes(checkpoint)).run()
    require(entry is None or bytes(entry).hex() == result["entry"], "the proof is of another entry")
    return result


def read_binary(path):
    """Bytes, or their hex."""
    data = sys.stdin.buffer.read() if path == "-" else open(path, "rb").read()
    try:
        return bytes.fromhex(data.decode("ascii"))
    except ValueError:
        return data


def main():
    parser = argparse.ArgumentParser(description="Verifies a proof that an entry is final on a Notch chain.")
    parser.add_argument("proof", help="the proof's file, bytes or hex; - for standard input")
    parser.add_argument("--checkpoint", required=True, help="genesis hash or hash of a final block, 64 hex digits")
    parser.add_argument("--entry", help="a file with the entry's bytes, or their hex, to compare")
    parser.add_argument("--json", action="store_true", help="print what was shown as JSON")
    args = parser.parse_args()
    try:
        checkpoint = bytes.fromhex(args.checkpoint)
        if len(checkpoint) != 32:
            raise ValueError("a checkpoint has 64 hex digits")
        proof = read_binary(args.proof)
        entry = read_binary(args.entry) if args.entry else None
    except (OSError, ValueError) as error:
        print(f"verify_proof.py: {error}", file=sys.stderr)
        return 2
    try:
        result = verify(proof, checkpoint, entry)
    except Refused as reason:
        print(f"refused: {reason}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:<14} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
