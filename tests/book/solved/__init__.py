"""The exercises' folded solutions: each answer is worked out again and looked for in the text.

A check returns the words that the solution must contain, so that neither a changed text nor a
changed package goes unnoticed. Code cells are run after the earlier cells that they need; what
would take long to read or to draw is replaced. Each module has the checks of one or a few
chapters; `test_solutions.py` goes through them all.
"""

import importlib
import pkgutil

import pytest

modules = [f"{__name__}.{each.name}" for each in pkgutil.iter_modules(__path__)]
pytest.register_assert_rewrite(*modules)
for each in modules:
    importlib.import_module(each)
