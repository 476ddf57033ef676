"""Verdicts of the reference grader on answers with every kind of white space, as JSON.

pip install mathruler==0.1.0 sympy==1.11.1 pylatexenc==2.10 tqdm
python benchmarks/measured/parity/graderSpaces.py > tests/golden/mathrulerSpaces.json
"""
import json

from mathruler.grader import grade_answer

SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
PAIRS = [
    ("2%sx", "2x"), ("2%sx", "x*2"), ("%s2x", "2x"), ("2x%s", "2x"), ("2%s3", "5"), ("1,%s2", "1,2"),
    ("(1,%s2)", "(1,2)"), ("x%s+1", "1+x"), ("x+%sy", "y+x"), ("(1,x%s+y)", "(1,y+x)"), ("\\pi%sx", "\\pi x"),
]
TILDES = [
    ("2\\mathrm{~x}", "2x"), ("2~x", "2x"), ("2~x", "2*x"), ("x~+1", "1+x"), ("5\\mathrm{~cm}", "5"), ("~5", "5"),
    ("5~", "5"), ("(1,~2)", "(1,2)"), ("\\pi~", "pi"), ("3\\pi~x", "3pi*x"), ("x+1\\text{~}", "1+x"), ("x+1~", "1+x"),
    ("~\\frac{1}{2}", "1/2"), ("\\frac12~+x", "x+1/2"), ("3\\mathrm{~km}", "3\\text{ km}"),
]
pairs = [(given % space, truth) for space in SPACES for given, truth in PAIRS] + TILDES
rows = [{"given": given, "truth": truth, "correct": bool(grade_answer(given, truth))} for given, truth in pairs]
print("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")
