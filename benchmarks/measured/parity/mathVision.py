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
    "\\left\\{5\\right\\}", "{5,}", "(5,)", "[5,5]", "[5,6]", "(5,6)", "\\lbrace 5\\rbrace", "{{5}}", "{ 5 }", "-{5}",
    "{5}+1", "1+{5}", "{5}^2", "{5}^{2}", "2{5}", "{2}{5}", "{2}5", "{5}\\%", "{5}^\\circ", "\\frac{5}{1}", "{\\frac{5}{1}}",
    "\\left[5\\right]", "\\left{5\\right}", "{5}.", "${5}$", "\\text{{5}}", "({5})", "{(5)}", "{5}/1", "{10}/{2}",
    "{10}\\div{2}", "{5}\\times{1}", "{5", "5}", "{}", "{}5", "5{}", "\\boxed{{5}}", "\\{5\\}+1", "{-5}", "{5}!",
    "\\sqrt{4}", "{5,6}", "\\{5,6\\}", "\\{5,5\\}", "5,", ",5", "5;", "\\emptyset", "\\{\\}", "a/1", "$1,000$", "1,000 cm",
    "1,000.5", "-1,000", "2+1,000", "1,000+2", "(1,000)", "{1,000}", "1,000\\%", "1,000^\\circ", "12,345,678",
    "\\text{1,000}", "1{,}000", "1\\,000", "1 000", "2\\times 1,000", "1,000/2", " 1,000", "1,000.", "1,000,5",
    "\\frac{1,000}{2}", "\\boxed{1,000}", "5\\%", "5 \\%", "5%", "(5)\\%", "\\frac12\\%", "\\frac{1}{2}\\%", "2^2\\%",
    "5.5\\%", "-5\\%", "5\\%+1", "2\\cdot5\\%", "(5\\%)", "50%\\ ", "8~", "8~cm", "~8", "8~+~2", "(~8~)", "30'", "30''",
    "5'+2", "5'2", "(5)'", "5^2'", "\\frac{1'}{2}", "30^\\circ 15'", "30^{\\circ}15'", "5\\prime", "5^\\prime",
    "5^{\\prime}", "$x\\approx 8$", "\\(8\\)", "\\[8\\]", "$$8$$", "8\\\\", "8\\\\9", "8\\\\ 9", "\\$8", "8\\$",
    "8 \\text{ cm}", "8\\text{cm}^2", "8\\mathrm{~cm}", "8\\,\\mathrm{cm}", "8 \\text{ and } 9", "\\text{8 cm}",
    "\\mathrm{8}", "\\textbf{8}", "\\mathbf{8}", "\\text{ 8 }", "\\text{8}+1", "\\mathrm{8}^2", "\\text{-8}", "\\text{1/2}",
    "\\mbox{8}", "\\textrm{8}", "\\mathit{8}", "\\operatorname{8}", "\\left.8\\right.", "\\dfrac12", "\\frac1{2}",
    "\\frac{1}2", "\\frac 12", "\\cfrac{1}{2}", "\\frac{6}{1/2}", "\\frac{1/2}{3}", "\\frac{1+2}{3}", "\\frac{1}{2+3}",
    "6/(1/2)", "(6)/(1/2)", "6\\div(1/2)", "2^{-1/1}", "-2^2", "(-2)^2", "2^3^1", "{2^3}^1", "3-(2-1)", "6/2/3", "6/(2*3)",
    "6:2:3", "2(3)", "2(3+1)", "(2)3", "2 3", "2 1/2", "2 \\frac12", "2\\frac{1}{2}", "-2\\frac{1}{2}", "2\\frac{4}{2}",
    "8 apples", "8apples", "8x", "x8", "\\approx 8", "≈8", "8…", "8...", "±8", "\\pm 8", "8°", "8^\\circ", "8^{\\circ}",
    "8\\degree", "8^\\circ C", "8^\\circ\\mathrm{C}", "8^{\\circ} + 2^{\\circ}", "８", "٨", "8²", "½", "8·2", "8×2", "8÷2",
    "8−2", "8–2", "8⁄2", "8\\cdot2", "8\\ast2", "8*2", "8**2", "8 \\over 2", "{8 \\over 2}", "8 mod 3", "8\\bmod 3", "1E3",
    "1.5e-3", "1.5\\times10^{-3}", "1.5 \\times 10^3", "08", "8.0", "8.", ".8", "0.8.", "1.2.3", "--8", "-(-8)", "+8", "- 8",
    "8-", "8+", "=8", "8=", "8=8", "8 = 4+4", "4+4=8", "x:8", "x\\approx 8", "x\\approx8", "8\\approx x", "x \\simeq 8",
    "x>8", "x≈8", "8 or 9", "8,9", "8;9", "(8,9)", "(a) 8", "a) 8", "8)", "8]", "8}", "8'", "8_2", "8_{10}", "8!", "|8|",
    "|-8|", "\\lvert 8\\rvert", "\\lfloor 8.5\\rfloor", "\\max(8,5)", "\\ln e", "\\log_2 8", "\\log 100", "\\sin 0",
    "\\sqrt 64", "\\sqrt{8}\\sqrt{8}", "8\\pi", "i^2", "\\binom{4}{2}", "\\begin{pmatrix}8\\end{pmatrix}",
    "\\sum_{i=1}^{3} i", "\\int_0^1 2x dx", "\\lim_{x\\to 0} x", "\\hat 8", "\\overline{8}", "\\vec 8", "\\displaystyle 8",
    "\\large 8", "\\color{red}8", "\\color{red}{8}", "\\textcolor{red}{8}", "8\\quad", "8\\hspace{1cm}", "8\\n",
    "8\\,\\text{cm}", "8.\\text{cm}", "8\\; cm", "\\;8", "\\!8", "\\:8", "\\ 8", "8\\ ", "8\\!", "8\\:", "8\\>", "\\>8",
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
