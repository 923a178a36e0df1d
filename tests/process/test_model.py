#!/usr/bin/env python3
"""notch model export, verify and run, against a second int8 network that is written here in whole numbers of Python."""

import json
import math
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import unittest

NOTCH = pathlib.Path(os.environ["NOTCH_BUILD_DIR"]) / "notch"


def run(*words, expect=0):
    done = subprocess.run([str(NOTCH), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != expect:
        raise AssertionError(f"{words}: exit status {done.returncode}: {done.stdout}{done.stderr}")
    return done


def say(*words):
    return json.loads(run(*words, "--json").stdout)


# ---- the second network ----

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def uvar(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


def rounded(value, shift):
    """value / 2^shift, half away from zero."""
    size = (abs(value) * 2 + (1 << shift)) // (2 << shift)
    return size if value >= 0 else -size


def infer(data, inputs):
    """The outputs for inputs that are steps already, and the input unit."""
    reader = Reader(data)
    assert reader.take(1) == b"\x01"
    reader.uvar()
    reader.uvar()
    widths = [reader.uvar() for _ in range(reader.uvar())]
    now = inputs
    for inputs_count, outputs in zip(widths, widths[1:]):
        activation, multiplier, shift = struct.unpack("<BIB", reader.take(6))
        biases = struct.unpack(f"<{outputs}i", reader.take(4 * outputs))
        rows = [struct.unpack(f"{inputs_count}b", reader.take(inputs_count)) for _ in range(outputs)]
        table = struct.unpack("256b", reader.take(256)) if activation == 2 else None
        most = 32767 if activation == 3 else 127
        result = []
        for bias, row in zip(biases, rows):
            total = bias + sum(weight * value for weight, value in zip(row, now))
            y = max(-most - 1, min(most, rounded(total * multiplier, shift)))
            result.append(max(0, y) if activation == 1 else table[y + 128] if table else y)
        now = result
    assert reader.at == len(data)
    return now


def steps(values, unit):
    return [max(-128, min(127, math.floor(value * 1e9 / unit + 0.5))) for value in values]


def actor(seed, widths, activations, samples=400):
    """A network as training leaves it: weights in proportion to the fan-in."""
    draw = random.Random(seed)
    layers = [{"weights": [[draw.gauss(0, 1 / math.sqrt(before)) for _ in range(before)] for _ in range(after)],
               "bias": [draw.gauss(0, 0.1) for _ in range(after)], "activation": activation}
              for before, after, activation in zip(widths, widths[1:], activations)]
    return {"layers": layers, "calibration": [[draw.uniform(-1, 1) for _ in range(widths[0])] for _ in range(samples)]}


class Model(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="notch-model.")
        self.folder = pathlib.Path(self.scratch.name)

    def tearDown(self):
        self.scratch.cleanup()

    def export(self, description, *options):
        source = self.folder / "net.json"
        source.write_text(json.dumps(description))
        target = self.folder / "net.model"
        return say("model", "export", source, "--out", target, "--force", *options), target

    def test_what_is_exported_is_verified_and_runs_alike(self):
        for seed, widths, activations in ((1, (4, 16, 16, 2), ("relu", "tanh", "linear")),
                                          (2, (9, 32, 1), ("sigmoid", "linear")),
                                          (3, (3, 5), ("relu",)), (4, (6, 8, 3), ("linear", "tanh"))):
            description = actor(seed, widths, activations)
            made, path = self.export(description)
            data = path.read_bytes()
            seen = say("model", "verify", path, "--root", made["root"])
            self.assertEqual(seen["root"], made["root"])
            self.assertEqual(seen["widths"], list(widths))
            self.assertEqual(seen["bytes"], len(data))
            samples = description["calibration"][:40] + [[9.0] * widths[0], [-9.0] * widths[0]]
            words = [f"--input={','.join(map(repr, sample))}" for sample in samples]
            answers = say("model", "run", path, *words)["runs"]
            for sample, answer in zip(samples, answers):
                self.assertEqual(answer["steps"], infer(data, steps(sample, seen["input_unit"])))
                for step, value in zip(answer["steps"], answer["outputs"]):
                    self.assertAlmostEqual(value, step * seen["output_unit"] / 1e9, places=9)

    def test_a_price_stays_near_the_floats(self):
        """The mean of a policy with 64-64 hidden units is a log price between bounds a factor of two apart. Random
        weights are the hard case: a trained policy is smoother."""
        for seed in range(3):
            made, _ = self.export(actor(10 + seed, (10, 64, 64, 1), ("relu", "relu", "linear"), 2000))
            # The outputs span the whole range of prices: an error of the output is a share of ln 2.
            price_error = math.expm1(made["error_p99"] / made["output_span"] * math.log(2))
            self.assertLessEqual(price_error, 0.0075)

    def test_softmax_is_shares_of_one(self):
        made, path = self.export(actor(5, (4, 8, 3), ("relu", "softmax")))
        self.assertLess(made["error_max"], 0.05)
        answer = say("model", "run", path, "--input", "0.1,0.2,-0.3,0.9")["runs"][0]
        self.assertAlmostEqual(sum(answer["outputs"]), 1, places=3)

    def test_wrong_input_is_refused_by_name(self):
        good = actor(6, (2, 3, 1), ("relu", "linear"))
        _, path = self.export(good)
        source = self.folder / "bad.json"

        def refused(change, word):
            description = json.loads(json.dumps(good))
            change(description)
            source.write_text(json.dumps(description))
            done = run("model", "export", source, "--out", self.folder / "x", expect=1)
            self.assertIn(word, done.stderr)
            self.assertFalse((self.folder / "x").exists())

        refused(lambda net: net.pop("layers"), "layers")
        refused(lambda net: net.pop("calibration"), "calibration")
        refused(lambda net: net["calibration"][3].append(1), "calibration")
        refused(lambda net: net["layers"][0].pop("bias"), "bias")
        refused(lambda net: net["layers"][0]["weights"][1].append(1), "weights")
        refused(lambda net: net["layers"][1].update(weights=[[1, 2]]), "weights")
        refused(lambda net: net["layers"][0]["weights"][0].__setitem__(0, 1e7), "weights")
        refused(lambda net: net["layers"][0].update(activation="softmax"), "softmax")
        refused(lambda net: net["layers"][0].update(activation="swish"), "activation")
        refused(lambda net: net["layers"][0].update(weights=[[0, 0]] * 3, bias=[1e6] * 3) or
                net.update(calibration=[[1e-6, 0]]), "too far apart")
        source.write_text("{")
        self.assertIn("bad.json:1", run("model", "export", source, "--out", self.folder / "x", expect=1).stderr)
        self.assertIn("--force", run("model", "export", self.folder / "net.json", "--out", path, expect=1).stderr)
        self.assertIn("2 numbers", run("model", "run", path, "--input", "1", expect=2).stderr)
        run("model", "run", path, "--input", "1,2,3", expect=2)
        run("model", "run", path, "--input", "1,nan", expect=2)
        run("model", "run", path, expect=2)
        run("model", "verify", path, "--root", "00", expect=2)
        self.assertIn("root", run("model", "verify", path, "--root", "00" * 32, expect=1).stderr)
        data = path.read_bytes()
        for bad in (data[:-1], data + b"\0", b"", b"\2" + data[1:]):
            path.write_bytes(bad)
            run("model", "verify", path, expect=1)
            run("model", "run", path, "--input", "1,2", expect=1)


if __name__ == "__main__":
    unittest.main()
