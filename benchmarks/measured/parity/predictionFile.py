"""Golden spreadsheet: predictions as VLMEvalKit writes them, and what pandas reads back.

python benchmarks/measured/parity/predictionFile.py tests/golden/benchmarks
Made with pandas 2.2.3, xlsxwriter 3.3 and openpyxl 3.1.
"""

import json
import sys
from pathlib import Path

import pandas as pd

TEXTS = ["B", "NA", "=1+2", "line\r\nB", "é" * 33000, "Failed to obtain answer via API.", "  B ", "\\boxed{1}"]
NUMBERS = ["007", "1.50", "3"]

folder = Path(sys.argv[1])
read = {}
for name, predictions in {"texts": TEXTS, "numbers": NUMBERS}.items():
    path = folder / f"{name}.xlsx"
    index = range(1, len(predictions) + 1)
    pd.DataFrame({"index": index, "A": "x", "Prediction": predictions}).to_excel(path, index=False, engine="xlsxwriter")
    read[name] = [str(text) for text in pd.read_excel(path)["Prediction"]]
(folder / "sheets.json").write_text(json.dumps(read, ensure_ascii=False))
