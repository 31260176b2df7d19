"""What the user sees after a mistake: one sentence."""

import pytest

from augfpn.errors import UserError, one_of


def test_jupyter_shows_one_line_without_a_traceback(capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    shell.run_cell("from augfpn.errors import UserError\ndef deep():\n    raise UserError('Oh.')")
    capsys.readouterr()

    shell.run_cell("deep()")
    assert capsys.readouterr().out == "UserError: Oh.\n"


def test_a_misspelt_word_gets_the_nearest_one():
    assert one_of("data", "coco", ("coco", "bccd")) == "coco"
    with pytest.raises(UserError, match="data 'Coc' is unknown; did you mean 'coco'"):
        one_of("data", "Coc", ("coco", "bccd"))
    with pytest.raises(UserError, match="'xyz' is unknown; choose from coco, bccd"):
        one_of("data", "xyz", ("coco", "bccd"))
