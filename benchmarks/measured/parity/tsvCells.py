"""Golden cells: what pandas makes of the columns of tests/golden/benchmarks/cells.tsv, as text.

python benchmarks/measured/parity/tsvCells.py tests/golden/benchmarks/cells.tsv > tests/golden/benchmarks/cells.json
Made with pandas 3.1.1.
"""

import json
import sys

import pandas as pd

table = pd.read_csv(sys.argv[1], sep="\t")
columns = {
    name: [None if pd.isna(cell) else str(cell) for cell in table[name].astype(object)] for name in table.columns
}
json.dump({"pandas": pd.__version__, "columns": columns}, sys.stdout, indent=1, ensure_ascii=False)
print()
