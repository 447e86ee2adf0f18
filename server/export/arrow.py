"""Arrow, which ships no types, and polars, which shows it as such: untyped once, here."""

from typing import Any

import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet

pa: Any = pyarrow
pc: Any = pyarrow.compute
pq: Any = pyarrow.parquet
pl: Any = polars

Array = Any
"""A column of some rows."""
Columns = dict[str, Array]
"""Some rows: a column for each name, in order."""

pa.set_cpu_count(1)
pa.set_io_thread_count(1)
