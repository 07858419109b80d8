"""Makes vectors/data: the first 40 rows of data/loans-test.csv as Parquet, and tables that are refused.

    pip install pyarrow==26.0.1
    python vectors/data/make_parquet.py
"""
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def main():
    table = pyarrow.csv.read_csv(ROOT / "data/loans-test.csv").slice(0, 40)
    for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
        how = {"compression": codec, "row_group_size": 16, "use_dictionary": codec != "gzip"}
        pq.write_table(table, HERE / f"loans-{codec}.parquet", **how)
    pq.write_table(table, HERE / "loans-pages-v2.parquet", data_page_version="2.0", version="2.6")
    kinds = pa.table({
        "whole": pa.array([1, 2, None], pa.int64()), "flag": [True, False, True],
        "text": ["a", "b", "ä"], "half": pa.array([0.5, 1.5, 2.5], pa.float32()),
        "day": pa.array([0, 1, 2], pa.timestamp("ms")), "y": ["no", "yes", "no"],
    })
    pq.write_table(kinds, HERE / "kinds.parquet")
    people = {"name": ["Jane", "Bob", None], "mail": ["jane@example.org", None, "bob@example.org"],
              "card": ["4111 1111 1111 1111", "5500005555555558", ""], "born": [1970, 1980, 1990]}
    pq.write_table(pa.table(people), HERE / "people.parquet")
    pq.write_table(pa.table({"a": [[1, 2], [3]], "y": [0, 1]}), HERE / "nested.parquet")
    pq.write_table(pa.table({"a": pa.array([], pa.int64()), "y": []}), HERE / "empty.parquet")


main()
