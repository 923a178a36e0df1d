#!/usr/bin/env python3
"""Makes avocado_monthly.csv: mean price and units a month, of a few markets, out of weekly figures.

usage: make_avocado_monthly.py SOURCE.csv > avocado_monthly.csv

SOURCE.csv has the columns geography, geo_level, week_ending, type, avg_price_usd and total_units (see
SOURCES.md). The same source gives the same bytes: everything is computed in exact decimals.

  - Only rows of the level `market` count: regions and the country hold the same units again.
  - A week belongs to the month of its date. A month has 4 or 5 of them; one with fewer is left out, because
    the source has gaps and its sum would look like a collapse of demand.
  - The price is the mean of the weeks' prices weighted by units, to 4 decimals; the quantity is the sum of
    units, to whole ones; both rounded half to even.
"""

import csv
import datetime
import re
import sys
from decimal import ROUND_HALF_EVEN, Decimal

MARKETS = ("Atlanta", "Boston", "Chicago", "Denver", "Houston", "Los Angeles", "New York", "Seattle")
TYPES = ("conventional", "organic")
COLUMNS = ("geography", "geo_level", "week_ending", "type", "avg_price_usd", "total_units")
WEEKS_MIN = 4


class BadInput(Exception):
    """What is wrong with the source, in words for the one who gave it."""


def number_of(path, row_number, row, column):
    value = row[column]
    if value is None or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) or Decimal(value) <= 0:
        raise BadInput(f"{path}: row {row_number}, column {column}: expected a number above 0, got {value!r}")
    return Decimal(value)


def read_weeks(path):
    """(month, market, type) -> {date: (price, units)}"""
    months = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        for column in COLUMNS:
            if column not in (reader.fieldnames or ()):
                raise BadInput(f"{path}: row 1: column {column} is missing")
        for row_number, row in enumerate(reader, 2):
            if row["geo_level"] != "market" or row["geography"] not in MARKETS or row["type"] not in TYPES:
                continue
            try:
                date = datetime.date.fromisoformat(row["week_ending"])
            except ValueError:
                raise BadInput(f"{path}: row {row_number}, column week_ending: expected a date such as "
                               f"2017-01-08, got {row['week_ending']!r}") from None
            weeks = months.setdefault((date.replace(day=1), row["geography"], row["type"]), {})
            if date in weeks:
                raise BadInput(f"{path}: row {row_number}, column week_ending: {date} is there twice")
            weeks[date] = (number_of(path, row_number, row, "avg_price_usd"),
                           number_of(path, row_number, row, "total_units"))
    if not months:
        raise BadInput(f"{path}: none of the markets {', '.join(MARKETS)} is in it")
    return months


def write_months(months, file):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("time", "market", "product", "price", "quantity", "currency", "unit"))
    for (month, market, kind), weeks in sorted(months.items()):
        if len(weeks) < WEEKS_MIN:
            continue
        units = sum(quantity for _, quantity in weeks.values())
        price = sum(price * quantity for price, quantity in weeks.values()) / units
        writer.writerow((month.isoformat(), market, f"avocado {kind}",
                         price.quantize(Decimal("0.0001"), ROUND_HALF_EVEN),
                         units.quantize(Decimal(1), ROUND_HALF_EVEN), "USD", "each"))


def main(argv):
    if len(argv) != 1 or argv[0] in ("-h", "--help"):
        print(__doc__, file=sys.stdout if argv and argv[0] in ("-h", "--help") else sys.stderr)
        return 0 if argv and argv[0] in ("-h", "--help") else 2
    try:
        months = read_weeks(argv[0])
    except BadInput as error:
        print(f"make_avocado_monthly.py: {error}", file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        print(f"make_avocado_monthly.py: {argv[0]}: {error}", file=sys.stderr)
        return 1
    write_months(months, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
