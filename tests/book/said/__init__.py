"""What the pages say came out of the records: sentences, each beside a check of these records.

A sentence is quoted word for word, so that nobody changes it without its check; a check fails when
new records say something else. What rests on measurements, run times, counts and the mean of AP is
checked in the plain run. What rests on intervals needs every record scored: that is slow. A module
for a chapter or two; `test_prose.py` goes through them all.
"""

import importlib
import pkgutil

import pytest

modules = [f"{__name__}.{each.name}" for each in pkgutil.iter_modules(__path__)]
pytest.register_assert_rewrite(*modules)
for each in modules:
    importlib.import_module(each)
