#!/usr/bin/env python3
"""notch allocate on instances: the golden numbers, networks that lose and delay, and what is refused by name."""

import json
import os
import random
import subprocess
import unittest
from decimal import Decimal
from pathlib import Path

NOTCH = Path(os.environ["NOTCH_BUILD_DIR"]) / "notch"
OK, REFUSED, USAGE = range(3)

SEED = {"providers": [{"id": "P1", "capacity": 400}, {"id": "P2", "capacity": 300}],
        "recipients": [{"id": "R1", "need": 500}, {"id": "R2", "need": 300}],
        "recognition": [{"provider": "P1", "recipient": "R1", "mr": 0.6},
                        {"provider": "P1", "recipient": "R2", "mr": 0.4},
                        {"provider": "P2", "recipient": "R1", "mr": 0.3},
                        {"provider": "P2", "recipient": "R2", "mr": 0.7}]}


def allocate(instance, *options):
    text = instance if isinstance(instance, str) else json.dumps(instance)
    return subprocess.run([str(NOTCH.resolve()), "allocate", "--instance", "-", *map(str, options)], input=text,
                          capture_output=True, text=True, timeout=60, check=False)


def changed(change):
    instance = json.loads(json.dumps(SEED))
    change(instance)
    return instance


def drawn(count, load, seed):
    """Recipients who each know up to five providers, whose recognition sums to one."""
    draw = random.Random(seed)
    providers = max(2, count // 5)
    edges = [(p, r, draw.uniform(0.05, 1.05)) for r in range(count)
             for p in draw.sample(range(providers), min(5, providers))]
    sums = [sum(weight for p, _, weight in edges if p == provider) for provider in range(providers)]
    needs = [draw.randrange(50, 500) for _ in range(count)]
    parts = [draw.uniform(0.8, 1.2) for _ in range(providers)]
    return {"providers": [{"id": f"p{p}", "capacity": load * sum(needs) * parts[p] / sum(parts)}
                          for p in range(providers)],
            "recipients": [{"id": f"r{r}", "need": need} for r, need in enumerate(needs)],
            "recognition": [{"provider": f"p{p}", "recipient": f"r{r}", "mr": weight / sums[p]}
                            for p, r, weight in edges]}


class Allocate(unittest.TestCase):
    def result(self, instance, *options):
        done = allocate(instance, "--json", *options)
        self.assertEqual(done.returncode, OK, done.stderr)
        return json.loads(done.stdout, parse_float=Decimal)

    def refused(self, instance, words, code=REFUSED, options=()):
        done = allocate(instance, *options)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        self.assertIn(words, done.stderr)

    def check_limits(self, instance, result):
        """Exactly: no capacity and no need is passed by a millionth."""
        for row, key, limit in (("providers", "provider", "capacity"), ("recipients", "recipient", "need")):
            for party in instance[row]:
                taken = sum(flow["amount"] for flow in result["allocations"] if flow[key] == party["id"])
                self.assertLessEqual(taken, Decimal(str(round(party[limit], 6))))

    def test_golden(self):
        for options in ((), ("--drop", 30), ("--drop", 30, "--delay", 20, "--seed", 9)):
            result = self.result(SEED, *options)
            self.assertEqual([str(round(flow["amount"], 3)) for flow in result["allocations"]],
                             ["297.752", "102.248", "136.246", "163.754"])
            self.assertEqual({name: str(round(left, 3)) for name, left in result["residuals"].items()},
                             {"R1": "66.002", "R2": "33.998"})
            self.assertEqual([str(round(capacity / result["lambdas"][name], 3))
                              for name, capacity in (("P1", 400), ("P2", 300))], ["53.200", "43.599"])
            self.assertLessEqual(result["rounds"], 18)
            self.assertLess(result["certificate_distance"], Decimal("0.000001"))
            self.assertTrue(result["converged"] and result["within_capacity"])
            self.check_limits(SEED, result)

    def test_rounds_and_messages(self):
        instance = drawn(100, 0.875, 4)
        result = self.result(instance)
        self.assertLessEqual(result["rounds_to_one_percent"], 10)
        self.assertLessEqual(result["rounds"], 18)
        self.assertLessEqual(result["messages_per_edge"], 2 * result["rounds"])
        self.check_limits(instance, result)
        lossy = self.result(instance, "--drop", 30, "--delay", 100, "--seed", 2)
        self.assertLessEqual(lossy["rounds"], 18)
        self.assertGreater(lossy["messages_per_edge"], result["messages_per_edge"])
        apart = sum(abs(a["amount"] - b["amount"]) for a, b in zip(result["allocations"], lossy["allocations"]))
        self.assertLess(apart, Decimal("0.01"))

    def test_same_seed_same_bytes(self):
        runs = {allocate(SEED, "--json", "--drop", 20, "--delay", 30, "--seed", 7).stdout for _ in range(2)}
        self.assertEqual(len(runs), 1)

    def test_extremes(self):
        huge = changed(lambda i: i["providers"][0].update(capacity=2**63 - 1))
        huge["recipients"][0]["need"] = 2**63 - 1
        result = self.result(huge)
        self.assertTrue(result["within_capacity"])
        self.check_limits(huge, result)
        nothing = self.result(changed(lambda i: i["providers"][0].update(capacity=0)))
        self.assertEqual(nothing["lambdas"]["P1"], 0)
        self.assertEqual([flow["amount"] for flow in nothing["allocations"][:2]], [0, 0])
        empty = self.result({"providers": [], "recipients": [], "recognition": []})
        self.assertEqual(empty["allocations"], [])

    def test_classic(self):
        result = self.result(SEED, "--algorithm", "classic")
        self.assertFalse(result["converged"])
        self.assertFalse(result["within_capacity"])
        self.assertGreater(result["certificate_distance"], Decimal("0.1"))
        self.assertEqual(result["allocations"][0]["amount"], 400)

    def test_for_people(self):
        done = allocate(SEED)
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("297.751891", done.stdout)
        self.assertIn("86.80 %", done.stdout)
        self.assertRegex(done.stdout, r"capacity +kept")

    def test_refused_by_name(self):
        self.refused(changed(lambda i: i["recognition"][1].update(recipient="R9")), "no recipient is called R9")
        self.refused(changed(lambda i: i["recognition"][1].update(provider="P9")), "no provider is called P9")
        self.refused(changed(lambda i: i["providers"].append({"id": "P1", "capacity": 1})),
                     "provider P1 is there twice")
        self.refused(changed(lambda i: i["recipients"].append({"id": "R2", "need": 1})), "recipient R2 is there twice")
        self.refused(changed(lambda i: i["recognition"].append(SEED["recognition"][2])),
                     "recognition of P2 and R1 is there twice")
        self.refused(changed(lambda i: i["providers"][1].update(capacity=-1)), "provider P2: its capacity is negative")
        self.refused(changed(lambda i: i["recipients"][0].update(need=-0.5)), "recipient R1: its need is negative")
        self.refused(changed(lambda i: i["recipients"][0].update(need=float("nan"))),
                     "recipient R1: its need is not finite")
        self.refused(changed(lambda i: i["providers"][0].update(capacity=float("inf"))),
                     "provider P1: its capacity is not finite")
        self.refused(changed(lambda i: i["providers"][0].update(capacity="400")),
                     "provider P1: its capacity is no number")
        self.refused(changed(lambda i: i["providers"][0].pop("capacity")), "provider P1: its capacity is missing")
        self.refused(changed(lambda i: i["recognition"][0].update(mr=1.5)), "P1 and R1: its mr is too large")
        self.refused(changed(lambda i: i["recognition"][0].update(mr=-0.1)), "P1 and R1: its mr is negative")
        self.refused(changed(lambda i: i["recognition"][0].update(mr=float("-inf"))), "P1 and R1: its mr is not finite")
        self.refused(changed(lambda i: i.pop("recognition")), "\"recognition\": expected a list")
        self.refused(changed(lambda i: i["providers"].append(7)), "provider 3: expected an \"id\"")
        self.refused("{\"providers\": [", "line 1")
        self.refused("{\"a\": 1, \"a\": 2}", "duplicate")

    def test_wrong_usage(self):
        self.refused(SEED, "0 to 99", USAGE, ("--drop", 100))
        self.refused(SEED, "default or classic", USAGE, ("--algorithm", "magic"))
        done = subprocess.run([str(NOTCH.resolve()), "allocate"], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--instance", done.stderr)


if __name__ == "__main__":
    unittest.main()
