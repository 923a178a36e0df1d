#!/usr/bin/env python3
"""contrib/humanitarian and contrib/data: the conversion by hand-made numbers, bad input, what ships.

Run as it is, or by ctest. With NOTCH_DATA_DIR set, the files that ship are made again from their sources
and compared byte for byte.
"""

import csv
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HUMANITARIAN = ROOT / "contrib" / "humanitarian"
AVOCADO = ROOT / "contrib" / "data" / "make_avocado_monthly.py"
SHIPPED = ROOT / "contrib" / "data"
SHIPPED_BYTES_MAX = 64 * 1024
RESOURCE = "humanitarian-funding-usd"

NEEDS = """plan_id,plan,iso3,requirements_usd,funding_usd
1,Afghanistan plan,AFG,1000,1
2,Haiti plan,HTI,300.5,1
3,Haiti cholera,HTI,99.5,1
4,Region,AFG; PAK,7000,1
5,Quiet plan,MLI,2e+02,
"""
CONTRIBUTIONS = """fiscal_year,donor,fund_type,fund,fund_iso3,paid_date,paid_usd
2020,Norway,CBPF,Afghanistan,AFG,2020-01-01,100
2021,Norway,CBPF,Afghanistan,AFG,2022-02-01,100
2021,Norway,CBPF,Haiti,HTI,2021-01-01,100
2021,Norway,CBPF,Syria Cross border,XX,2021-01-01,300
2021,"Funds, private",CBPF,Haiti,HTI,2021-01-01,50
2021,Norway,CERF,CERF,CERF,2021-01-01,5000
2022,Norway,CBPF,Afghanistan,AFG,2021-12-31,10.25
2022,Norway,CBPF,Syria Cross border,XX,2022-01-01,1.50
2022,"Funds, private",CBPF,Haiti,HTI,2022-01-01,7
2022,Iceland,CBPF,Haiti,HTI,2022-01-01,3
2022,Malta,CBPF,Haiti,HTI,,0
2022,Norway,CERF,CERF,CERF,2022-01-01,9000
2023,Norway,CBPF,Haiti,HTI,2023-01-01,77777
"""
ALLOCATIONS = """year,fund_type,fund,iso3,partner,budget_usd
2019,CERF,Afghanistan,AFG,World Food Programme,200
2019,CERF,Somewhere,,World Food Programme,100
2021,CBPF,Afghanistan,AFG,World Food Programme,8888
2022,CERF,Haiti,HTI,World Food Programme,60
2022,CERF,Mali,MLI,World Food Programme,40
2023,CERF,Mali,MLI,World Food Programme,77777
"""


def run(program, *args, env=None):
    environment = {name: value for name, value in os.environ.items() if name != "NOTCH_DATA_DIR"}
    return subprocess.run([sys.executable, str(program), *map(str, args)], capture_output=True, text=True,
                          env={**environment, **(env or {})}, timeout=120, check=False)


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Sandbox(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.out = self.dir / "out"

    def source(self, name, text, encoding="utf-8"):
        path = self.dir / name
        path.write_bytes(text.encode(encoding))
        return path

    def convert(self, *more, needs=NEEDS, contributions=CONTRIBUTIONS, allocations=ALLOCATIONS):
        return run(HUMANITARIAN, "--out", self.out,
                   "--needs", self.source("n.csv", needs), "--contributions", self.source("c.csv", contributions),
                   "--allocations", self.source("a.csv", allocations), *more)


class Conversion(Sandbox):
    def converted(self, *more, **sources):
        result = self.convert(*more, **sources)
        self.assertEqual(result.returncode, 0, result.stderr)
        return {name: (self.out / f"{name}.csv").read_text(encoding="utf-8")
                for name in ("needs", "capacities", "recognition")}

    def shares(self):
        return {(row["from"], row["to"]): int(row["share_ppm"]) for row in table(self.out / "recognition.csv")}

    def test_needs_are_summed_by_country_and_regional_plans_left_out(self):
        self.assertEqual(self.converted()["needs"],
                         "recipient,resource,period,amount\n"
                         f"country:AFG,{RESOURCE},2022,1000\n"
                         f"country:HTI,{RESOURCE},2022,400\n"
                         f"country:MLI,{RESOURCE},2022,200\n")

    def test_capacities_are_what_was_paid_for_the_year(self):
        self.assertEqual(self.converted()["capacities"],
                         "provider,resource,period,amount,kind\n"
                         f'"donor:Funds, private",{RESOURCE},2022,7,flow\n'
                         f"donor:Iceland,{RESOURCE},2022,3,flow\n"
                         f"donor:Norway,{RESOURCE},2022,11.75,flow\n"
                         f"fund:CERF,{RESOURCE},2022,100,stock\n")

    def test_recognition_is_of_the_years_before_both_ways_by_largest_remainder(self):
        self.converted()
        # Norway gave 200 + 100 + 300 = 600: 333333.3, 166666.7 and 500000 (the last to XX, which has no row).
        # Afghanistan got 200 from Norway and 200 from CERF; CERF gave 200 of 300 to it.
        # Haiti got 100 from Norway and 50 from the private funds, which gave nothing else.
        self.assertEqual(self.shares(), {
            ("donor:Norway", "country:AFG"): 333333, ("donor:Norway", "country:HTI"): 166667,
            ("donor:Funds, private", "country:HTI"): 1000000,
            ("fund:CERF", "country:AFG"): 666667,
            ("country:AFG", "donor:Norway"): 500000, ("country:AFG", "fund:CERF"): 500000,
            ("country:HTI", "donor:Norway"): 666667, ("country:HTI", "donor:Funds, private"): 333333})

    def test_an_extract_keeps_the_largest_that_are_tied_and_their_shares(self):
        self.converted("--top", "1")
        self.assertEqual([row["recipient"] for row in table(self.out / "needs.csv")], ["country:AFG"])
        self.assertEqual([row["provider"] for row in table(self.out / "capacities.csv")], ["fund:CERF"])
        self.assertEqual(self.shares(), {("country:AFG", "fund:CERF"): 500000, ("fund:CERF", "country:AFG"): 666667})

    def test_ties_of_remainders_go_by_name(self):
        rows = "".join(f"2020,D,CBPF,x,{code},,1\n" for code in ("CCC", "AAA", "BBB")) + "2022,D,CBPF,x,AAA,,1\n"
        self.converted(needs="plan_id,iso3,requirements_usd\n1,AAA,1\n2,BBB,1\n3,CCC,1\n",
                       contributions="fiscal_year,donor,fund_type,fund,fund_iso3,paid_date,paid_usd\n" + rows)
        shares = self.shares()
        self.assertEqual([shares["donor:D", f"country:{code}"] for code in ("AAA", "BBB", "CCC")],
                         [333334, 333333, 333333])

    def test_bom_and_crlf_change_nothing(self):
        plain = self.converted()
        dressed = self.converted(needs="\ufeff" + NEEDS.replace("\n", "\r\n"),
                                 contributions=CONTRIBUTIONS.replace("\n", "\r\n"))
        self.assertEqual(plain, dressed)

    def test_the_order_of_rows_changes_nothing(self):
        head, *rows = CONTRIBUTIONS.splitlines()
        self.assertEqual(self.converted(), self.converted(contributions="\n".join([head, *reversed(rows)]) + "\n"))

    def test_help_and_usage(self):
        result = run(HUMANITARIAN, "--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("largest remainder", result.stdout)
        self.assertEqual(run(HUMANITARIAN).returncode, 2)
        self.assertEqual(run(HUMANITARIAN, "--out", self.out).returncode, 2)
        self.assertEqual(self.convert("--top", "0").returncode, 2)
        self.assertEqual(self.convert("--year", "22").returncode, 2)


class Refusals(Sandbox):
    def refused(self, *expected, **sources):
        result = self.convert(**sources)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        for text in expected:
            self.assertIn(text, result.stderr)
        self.assertEqual(list(self.out.iterdir()), [], "a refused input left files behind")

    def needs_with(self, requirement, iso3="AFG"):
        return f"plan_id,iso3,requirements_usd\n1,MLI,5\n2,{iso3},{requirement}\n"

    def test_numbers(self):
        for bad in ("abc", "-1", "NaN", "inf", "1_000", "0x10", "1.0000001", "1e30", "1e-9", "１", ""):
            with self.subTest(bad=bad):
                self.refused("n.csv: row 3, column requirements_usd", needs=self.needs_with(bad))

    def test_country_codes(self):
        for bad in ("Afghanistan", "af", "AFG;", "AFG PAK", ""):
            with self.subTest(bad=bad):
                self.refused("n.csv: row 3, column iso3", needs=self.needs_with("1", iso3=bad))

    def test_a_plan_twice(self):
        self.refused("n.csv: row 3, column plan_id", needs="plan_id,iso3,requirements_usd\n1,AFG,5\n1,AFG,5\n")

    def test_columns(self):
        self.refused("c.csv: row 1: column donor is missing", contributions=CONTRIBUTIONS.replace("donor", "giver", 1))
        self.refused("a.csv: row 1: column year is there twice", allocations=ALLOCATIONS.replace("fund,", "year,", 1))

    def test_cells(self):
        good = "2022,Norway,CBPF,Afghanistan,AFG,2021-12-31,10.25"
        for bad, column in (("20222,Norway,CBPF,Afghanistan,AFG,x,1", "fiscal_year"),
                            ("2022,,CBPF,Afghanistan,AFG,x,1", "donor"),
                            ("2022,Nor\x07way,CBPF,Afghanistan,AFG,x,1", "donor"),
                            (f"2022,{'N' * 201},CBPF,Afghanistan,AFG,x,1", "donor"),
                            ("2022,Norway,OTHER,Afghanistan,AFG,x,1", "fund_type"),
                            ("2022,Norway,CBPF,Afghanistan,AFG,x,ten", "paid_usd")):
            with self.subTest(bad=bad[:40]):
                self.refused(f"c.csv: row 8, column {column}", contributions=CONTRIBUTIONS.replace(good, bad))

    def test_width_of_rows(self):
        self.refused("a.csv: row 2: 5 cells, the header has 6",
                     allocations=ALLOCATIONS.replace("World Food Programme,200", "200", 1))

    def test_files(self):
        self.refused("n.csv: the file is empty", needs="")
        self.refused("n.csv: no row below the header", needs="plan_id,iso3,requirements_usd\n")
        self.refused("c.csv: row", contributions=CONTRIBUTIONS + '2022,"Norway,CBPF,Afghanistan,AFG,x,1\n')
        result = run(HUMANITARIAN, "--out", self.out, "--data", self.dir)
        self.assertEqual(result.returncode, 1)
        self.assertIn("humanitarian_needs_2022.csv: No such file", result.stderr)

    def test_not_utf8(self):
        self.source("latin.csv", NEEDS.replace("Quiet", "Caf\xe9"), encoding="latin-1")
        result = self.convert("--needs", self.dir / "latin.csv")
        self.assertEqual(result.returncode, 1)
        self.assertIn("latin.csv: not UTF-8", result.stderr)

    def test_nothing_to_do(self):
        self.refused("nothing was paid for 2022", allocations=ALLOCATIONS.replace("2022", "2018"),
                     contributions=CONTRIBUTIONS.replace("\n2022", "\n2018"))

    def test_out_is_a_file(self):
        self.out.write_text("in the way", encoding="utf-8")
        result = self.convert()
        self.assertEqual(result.returncode, 1)
        self.assertNotIn("Traceback", result.stderr)


class Avocado(Sandbox):
    HEADER = "geography,geo_level,week_ending,type,avg_price_usd,total_units\n"
    WEEKS = ("Boston,market,2017-01-02,organic,1.00,100\n" "Boston,market,2017-01-08,organic,2.00,300.4\n"
             "Boston,market,2017-01-15,organic,1.00,100\n" "Boston,market,2017-01-22,organic,1.00,100\n")
    OTHERS = ("Northeast,region,2017-01-08,organic,9.00,900\n" "Albany,market,2017-01-08,organic,9.00,900\n"
              "Boston,market,2017-02-05,organic,3.00,100\n")

    def test_a_month(self):
        result = run(AVOCADO, self.source("s.csv", self.HEADER + self.WEEKS + self.OTHERS))
        self.assertEqual(result.returncode, 0, result.stderr)
        # (100 + 600.8 + 100 + 100) / 600.4 = 1.50033...; February has one week only.
        self.assertEqual(result.stdout, "time,market,product,price,quantity,currency,unit\n"
                                        "2017-01-01,Boston,avocado organic,1.5003,600,USD,each\n")

    def test_refusals(self):
        for bad, expected in (("Boston,market,2017-01-29,organic,free,1\n", "row 6, column avg_price_usd"),
                              ("Boston,market,2017-01-29,organic,1,-1\n", "row 6, column total_units"),
                              ("Boston,market,2017-01-29,organic,1\n", "row 6, column total_units"),
                              ("Boston,market,29.1.2017,organic,1,1\n", "row 6, column week_ending"),
                              ("Boston,market,2017-01-22,organic,1,1\n", "2017-01-22 is there twice")):
            with self.subTest(bad=bad):
                result = run(AVOCADO, self.source("s.csv", self.HEADER + self.WEEKS + bad))
                self.assertEqual(result.returncode, 1)
                self.assertIn(expected, result.stderr)
                self.assertEqual(result.stdout, "")
        self.assertIn("column geo_level is missing", run(AVOCADO, self.source("s.csv", "geography,x\n")).stderr)
        self.assertEqual(run(AVOCADO).returncode, 2)


class Shipped(unittest.TestCase):
    def test_size(self):
        # What a user's own tools leave beside them (such as Python's cache) does not count.
        size = sum(path.stat().st_size for path in SHIPPED.iterdir() if path.is_file())
        self.assertLessEqual(size, SHIPPED_BYTES_MAX)

    def test_avocado_rows_are_whole_and_in_order(self):
        rows = table(SHIPPED / "avocado_monthly.csv")
        keys = [(row["time"], row["market"], row["product"]) for row in rows]
        self.assertEqual(keys, sorted(set(keys)))
        self.assertEqual(len(rows), 45 * 8 * 2)
        for row in rows:
            self.assertTrue(0.3 < float(row["price"]) < 4 and int(row["quantity"]) > 0, row)

    def test_recognition_ties_every_party_and_sums_to_a_whole_at_most(self):
        needs = {row["recipient"] for row in table(SHIPPED / "needs.csv")}
        capacities = {row["provider"] for row in table(SHIPPED / "capacities.csv")}
        shares = {(row["from"], row["to"]): int(row["share_ppm"]) for row in table(SHIPPED / "recognition.csv")}
        sums = {}
        for (author, party), share in shares.items():
            self.assertGreater(share, 0)
            self.assertTrue({author, party} <= needs | capacities)
            sums[author] = sums.get(author, 0) + share
        self.assertLessEqual(max(sums.values()), 1_000_000)
        mutual = {pair for pair in shares if pair[::-1] in shares}
        self.assertEqual({author for author, _ in mutual}, needs | capacities)

    @unittest.skipUnless(os.environ.get("NOTCH_DATA_DIR"), "NOTCH_DATA_DIR is not set")
    def test_made_again_byte_for_byte(self):
        data = Path(os.environ["NOTCH_DATA_DIR"])
        result = run(AVOCADO, data / "avocado_hab_2017_2020.csv")
        self.assertEqual(result.stdout, (SHIPPED / "avocado_monthly.csv").read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            result = run(HUMANITARIAN, "--out", folder, "--top", "12", env={"NOTCH_DATA_DIR": str(data)})
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("40 donors, 20 country funds, 240 links, 1,337,061,988.18 USD", result.stderr)
            self.assertIn("payments before: 421 links", result.stderr)
            for name in ("needs.csv", "capacities.csv", "recognition.csv"):
                self.assertEqual((Path(folder) / name).read_bytes(), (SHIPPED / name).read_bytes(), name)


if __name__ == "__main__":
    unittest.main()
