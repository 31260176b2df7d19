"""Draw what AugFPN and its parts bring, from the committed records.

python book/figures/situations.py writes situations.svg. The numbers that are drawn stand in it as
its description; `tests/study/test_situations.py` compares them with the records.
"""

from pathlib import Path

from augfpn.figures.by_situation import by_situation_figure
from augfpn.figures.theme import write_svg
from augfpn.study.gather import committed, committed_sets, from_pretrained
from augfpn.study.results.situations import situations

if __name__ == "__main__":
    drawn = situations(
        committed_sets(("scenes", "bccd")),
        committed("scenes", phase="confirmation"),
        from_pretrained(),
    )
    file = Path(__file__).with_suffix(".svg")
    write_svg(by_situation_figure(drawn), file, drawn.round(2).to_csv(index=False))
