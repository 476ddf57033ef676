"""On PYTHONPATH, lets EasyR1 and the released R1-ShareVL code be imported on a machine without GPUs: modules of vLLM and
FlashAttention are there, and whatever is taken from them is an empty class. Nothing that a test leans on is one of them."""

import importlib.abc
import importlib.machinery
import sys
import types

ABSENT = {"vllm", "flash_attn", "liger_kernel", "wandb"}


class Standin(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = type(name, (), {})
        setattr(self, name, found)
        return found


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".", 1)[0] not in ABSENT:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        return Standin(spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.append(Finder())
