"""Runs the arithmetic of the EasyR1 package on JSON from standard input. usage: runPlugin.py PACKAGE_FOLDER"""

import importlib.util
import json
import sys
from pathlib import Path


def load(name):
    # Without the package's __init__: neither torch nor EasyR1 is here.
    path = Path(sys.argv[1]) / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def answer(request):
    try:
        if request["do"] == "expansion":
            return load("expand").expansion(request["questions"], request["variants"], request["responses"])
        advantage = load("advantage")
        rows = [advantage.Row(*row) for row in request["rows"]]
        return advantage.hierarchical_advantages(rows, advantage.Settings(**request["settings"]))
    except ValueError as error:
        return {"error": str(error)}


print(json.dumps([answer(request) for request in json.load(sys.stdin)]))
