"""Pairs of Math-Verify's own tests as lines for `sharegrpo grade --responses`, and how many verdicts agree.

    git clone https://github.com/huggingface/Math-Verify
    python mathVerify.py Math-Verify/tests > pairs.jsonl
    sharegrpo grade --grader math --responses < pairs.jsonl > verdicts.jsonl
    python mathVerify.py Math-Verify/tests verdicts.jsonl

The pairs are read out of the files' parametrized tests; nothing of them is run.
"""

import ast
import json
import sys
from pathlib import Path


def value(node: ast.expr):
    """A literal, or the source of what is none."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def pairs(folder: Path):
    """(pair, whether the two are equal) of every parametrized test that has a gold answer."""
    for path in sorted(folder.glob("test_*.py")):
        for test in ast.parse(path.read_text()).body:
            for mark in getattr(test, "decorator_list", []):
                if not isinstance(mark, ast.Call) or getattr(mark.func, "attr", "") != "parametrize":
                    continue
                names = [name.strip() for name in ast.literal_eval(mark.args[0]).split(",")]
                if "gold" not in names or not isinstance(mark.args[1], ast.List):
                    continue
                for at, case in enumerate(mark.args[1].elts):
                    row = dict(zip(names, map(value, case.elts)))
                    pair = {"id": f"{path.stem}:{test.name}:{at}", "given": str(row["pred"]), "truth": str(row["gold"])}
                    yield pair, bool(row.get("expected", row.get("result")))


def main(folder: Path, verdicts: Path | None) -> None:
    if verdicts is None:
        for pair, _ in pairs(folder):
            print(json.dumps(pair, ensure_ascii=False))
        return
    given = {row["id"]: row for row in map(json.loads, verdicts.read_text().splitlines())}
    wanted = {pair["id"]: equal for pair, equal in pairs(folder)}
    differing = [key for key, equal in wanted.items() if given[key]["correct"] != equal]
    print(*differing, sep="\n")
    print(f"{len(wanted) - len(differing)} of {len(wanted)} verdicts agree")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
