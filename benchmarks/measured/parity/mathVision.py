"""Golden verdicts for MathVision's comparison: Python's own evaluation and a LaTeX library, over hand-written pairs.

    python -m venv old && old/bin/pip install latex2sympy2==1.9.1
    python -m venv new && new/bin/pip install 'latex2sympy2_extended[antlr4_13_2]'
    old/bin/python benchmarks/measured/parity/mathVision.py > tests/golden/mathVisionOld.json
    new/bin/python benchmarks/measured/parity/mathVision.py > tests/golden/mathVisionNew.json
"""

import itertools
import json
import sys
import warnings

try:
    from latex2sympy2_extended import latex2sympy

    LIBRARY = "latex2sympy2_extended"
except ImportError:
    from latex2sympy2 import latex2sympy

    LIBRARY = "latex2sympy2"

warnings.simplefilter("ignore")

GOLDS = ["5", "0.5", "-3", "8", "1000", "14", "60", "1/2", "\\frac{1}{2}", "2^3", "\\sqrt{3}", "\\pi", "x+1", "(3, 4)", "A"]
ANSWERS = [
    "5", "5.0", "+5", "005", "5.", ".5", "0.50", "5e-1", "1e3", "1_000", "1,000", "10,00", "-3", "- 3", "--3", "−3",
    "8", "2^3", "2**3", "2^{3}", "2^{-1}", "4*2", "4 \\times 2", "4\\cdot 2", "(4)(2)", "4(2)", "16/2", "16 // 2", "17%9",
    "\\frac{1}{2}", "\\dfrac{1}{2}", "\\tfrac{1}{2}", "\\frac12", "\\frac 1 2", "-\\frac{6}{2}", "\\frac{16}{2}", "1/2", "3/6",
    "1:2", "3:6", "50\\%", "50%", "0.33333333", "\\left(5\\right)", "{5}", "[5]", "(5)", "|5|", "|-5|", "5!",
    "$5$", "\\$5", "5\\$", "\\text{5}", "\\text{14}", "\\mathrm{14}", "14cm", "14 cm", "14\\text{ cm}", "14 \\mathrm{cm}",
    "60^\\circ", "60^{\\circ}", "60°", "60\\degree", "60 degrees", "\\sqrt{3}", "sqrt(3)", "\\sqrt{64}", "\\sqrt{25}",
    "\\sqrt[3]{8}", "1.7320508075688772", "\\pi", "3.141592653589793", "x+1", "1+x", "x=5", "x = 5", "5=5", "5\\,", "5\\;",
    "\\,5", "5 \\quad", "(3,4)", "(3, 4)", "3,4", "a", "A", "2a", "2*a/2", "a+1", "\\frac{a}{1}", "b", "B", "e", "i", "pi",
    "", " 5 ", "5 apples", "the answer is 5", "5 or 6", "\\boxed{5}", "5\\\\", "1 1/2", "1\\frac{1}{2}", "0x5", "2^2+1", "2+3",
    "2+3*2", "(2+3)*1", "10-5", "5-5", "\\frac{10}{2}", "\\frac{2+3}{1}", "\\frac{1}{0}", "1/0", "10\\div 2", "10 ÷ 2", "2.5\\times 2",
    "7 mod 2", "\\infty", "inf", "nan", "1e400", "5j", "True", "3<5", "~4", "4|1", "7&5", "1<<3", "round(5.2)", "len('abcde')",
    "\\frac{5}{1}.", "5.0000001", "5.00001", "-(-5)", "+-3", "2^2^1", "2^{2^{1}}", "0,5", "\\{5\\}", "\\lbrace 5 \\rbrace",
    "\\approx 5", "\\cos 0", "\\log_{2}{32}", "\\max(5, 3)", "\\lfloor 5.5 \\rfloor", "5^1", "5^{1}", "^5", "5^", "\\frac{5}", "\\",
]


def is_equal(answer, gold):
    """The comparison, as the specification states it."""
    answer, gold = str(answer).lower().strip(), str(gold).lower().strip()
    if gold == answer:
        return True
    try:
        a = eval(gold)
        b = eval(answer)
        if abs(a - b) < 1e-6:
            return True
    except Exception:
        pass
    try:
        a = latex2sympy(gold)
        b = latex2sympy(answer)
        if abs(eval(str(a)) - eval(str(b))) < 1e-6:
            return True
        if abs(a - b) < 1e-6:
            return True
    except Exception:
        pass
    return False


def latex_text(text):
    """What the library makes of a text, as Python would print it; None where it refuses."""
    try:
        return str(latex2sympy(text.lower().strip()))
    except Exception:
        return None


if __name__ == "__main__":
    pairs = [[gold, answer] for gold, answer in itertools.product(GOLDS, ANSWERS) if is_equal(answer, gold)]
    if "--latex" in sys.argv:
        for text in ANSWERS:
            print(repr(text), latex_text(text), sep="\t")
    else:
        json.dump({"library": LIBRARY, "golds": GOLDS, "answers": ANSWERS, "equal": pairs}, sys.stdout)
