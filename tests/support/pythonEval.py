"""What CPython's eval makes of drawn expressions, one JSON row each: the text and its value's repr, or null.

python3 tests/support/pythonEval.py > tests/golden/pythonEval.json
(CPython 3.11.7)
"""

import json
import random
import warnings

warnings.simplefilter("ignore")
draws = random.Random(20260801)
NUMBERS = "0 1 2 3 7 10 12 100 255 0.1 0.5 2.5 1e3 1.5e-3 .25 3. 0x1F 1_000 007 00 12345678901234567890 1e308 0.3".split()


def drawn(depth):
    if depth == 0 or draws.random() < 0.15:
        return draws.choice(NUMBERS)
    kind = draws.random()
    if kind < 0.12:
        return f"({drawn(depth - 1)})"
    if kind < 0.24:
        return draws.choice("+-") + drawn(depth - 1)
    sign = draws.choice("+ - * / // % ** ^ // %".split())
    right = draws.choice("2 3 0.5 -1 (1/2) 0".split()) if sign == "**" else drawn(depth - 1)
    space = draws.choice(["", " "])
    return f"{drawn(depth - 1)}{space}{sign}{space}{right}"


rows = {}
while len(rows) < 500:
    text = drawn(draws.choice([1, 2, 3]))
    try:
        value = eval(text, {"__builtins__": {}})
    except Exception:
        value = None
    if isinstance(value, int) and abs(value) > 10**300:
        continue
    rows[text] = None if value is None or isinstance(value, complex) else repr(value)
print("[\n" + ",\n".join(json.dumps(row) for row in rows.items()) + "\n]")
