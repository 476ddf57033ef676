"""Verdicts of the reference grader on random answers, as JSON.

pip install mathruler==0.1.0 sympy==1.11.1 pylatexenc==2.10 tqdm
python benchmarks/measured/parity/grader.py 400 > tests/golden/mathrulerRandom.json
"""
import json
import random
import signal
import sys

from mathruler.grader import grade_answer

DECORATED = [
    "\\frac{%s}{%s}", "\\dfrac{%s}{%s}", "%s/%s", "(%s)/(%s)", "%s+%s", "%s-%s", "%s\\cdot %s", "%s \\times %s",
    "(%s, %s)", "[%s,%s)", "%s, %s", "%s and %s", "%s or %s", "(%s)(%s)", "%s(%s)", "%s=%s", "%s:%s", "%s %s",
    "%s\\%%%s", "%s\\pm %s", "\\{%s, %s\\}",
]
WRAPPED = [
    "%s", "%s", "%s", "\\text{%s}", "\\sqrt{%s}", "\\sqrt %s", "-%s", "%s^2", "%s^{2}", "%s^{3}", "%s^\\circ",
    "%s^{\\circ}", "%s cm", "%s\\text{ cm}", "%s \\mathrm{cm}^2", "$%s$", "%s\\%%", "%s.", "%s degrees", "%s meters",
    "%s\\pi", "{%s}", "\\left(%s\\right)", "(%s)", "%s million", "x=%s", "\\mathbf{%s}", "\\angle %s", "%s\\,\\text{m}",
    "%s units", "\\overline{%s}", "\\textbf{%s}", "ln(%s)", "\\ln %s", "|%s|", "%s!", "%s\\alpha", "\\boxed{%s}",
    "\\sqrt[3]{%s}", "%s^{-1}", "%s_1", " %s ", "%s\\ ", "\\approx %s", "%s x", "x%s", "%sx", "x^%s", "2^%s",
]
LEAVES = [
    "0", "1", "2", "3", "4", "6", "8", "12", "0.5", ".5", "1.5", "0.25", "2.0", "0.1", "0.3", "1,000", "1000", "10,00",
    "1e3", "x", "y", "a", "A", "B", "C", "pi", "\\pi", "\\frac12", "\\frac{1}{2}", "1/2", "2/4", "3/4", "-1", "-2",
    "\\infty", "AB", "ab", "xy", "sqrt(2)", "\\sqrt{2}", "\\sqrt{8}", "2\\sqrt{2}", "yes", "no", "12.50", "007", "1 1/2",
    "\\theta", "e", "i", "100", "5!", "x+1", "x-1", "x^2", "n", "0.333", "1/3",
]


def leaf(rng):
    return rng.choice(LEAVES)


def answer(rng, depth=2):
    kind = rng.random()
    if depth == 0 or kind < 0.3:
        return leaf(rng)
    if kind < 0.65:
        return rng.choice(WRAPPED) % answer(rng, depth - 1)
    return rng.choice(DECORATED) % (answer(rng, depth - 1), answer(rng, depth - 1))


def rewrite(rng, text):
    """The same answer in another notation, or nearly."""
    pairs = [
        ("\\frac{1}{2}", "0.5"), ("\\frac12", "1/2"), ("\\sqrt{8}", "2\\sqrt{2}"), ("\\cdot ", "*"), ("\\dfrac", "\\frac"),
        ("0.25", "1/4"), ("1.5", "3/2"), ("x^2", "xx"), ("(", " ( "), ("x", "y"), ("\\pi", "pi"), (" ", ""), ("1", "2"),
        ("A", "a"), (" and ", ", "), ("^{2}", "^2"), (" cm", ""), ("\\%", ""), ("x+1", "1+x"), ("1,000", "1000"),
        ("2\\sqrt{2}", "\\sqrt{8}"), ("\\sqrt{2}", "sqrt(2)"), ("4", "2*2"), ("6", "(2)(3)"), ("{", "("),
    ]
    for _ in range(rng.randint(1, 2)):
        fitting = [pair for pair in pairs if pair[0] in text]
        if fitting:
            old, new = rng.choice(fitting)
            text = text.replace(old, new, rng.randint(1, 2))
    return text


def verdict(given, truth):
    signal.alarm(5)
    try:
        return bool(grade_answer(given, truth))
    except TimeoutError:
        return None
    finally:
        signal.alarm(0)


def on_alarm(_signal, _frame):
    raise TimeoutError


signal.signal(signal.SIGALRM, on_alarm)
rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 5)
wanted, cases, seen = int(sys.argv[1]), [], set()
share_right = 0
while len(cases) < wanted:
    truth = answer(rng, 3)
    given = rewrite(rng, truth) if rng.random() < 0.75 else answer(rng)
    if given == truth or (given, truth) in seen:
        continue
    seen.add((given, truth))
    correct = verdict(given, truth)
    if correct is None or (not correct and share_right < 0.4 * len(cases)):
        continue
    share_right += correct
    cases.append({"given": given, "truth": truth, "correct": correct})
print(
    json.dumps(
        {
            "command": f"python benchmarks/measured/parity/grader.py {' '.join(sys.argv[1:])} > tests/golden/mathrulerRandom.json",
            "made with": "mathruler 0.1.0, sympy 1.11.1, pylatexenc 2.10",
            "cases": cases,
        },
        indent=None,
        separators=(",", ":"),
    )
)
