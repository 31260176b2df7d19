"""Sentences of the pages that report results, each beside a check of the records.

A sentence is quoted word for word, so that nobody changes it without its check. A check fails when
new records say something else. Each module has the sentences of one or two chapters;
`test_prose.py` goes through them all.
"""

import importlib
import pkgutil

import pytest

modules = [f"{__name__}.{each.name}" for each in pkgutil.iter_modules(__path__)]
pytest.register_assert_rewrite(*modules)
for each in modules:
    importlib.import_module(each)
