"""A bench as text for a terminal, as a figure, and as files."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from augfpn.figures import costs, theme
from augfpn.study.bench.parts import PARTS
from augfpn.study.bench.settings import VARIANTS
from augfpn.support.files import whole, write_json
from augfpn.support.text import columns

FIGURE_FILE = "bench.svg"
Measured = dict[str, Any]  # what `augfpn.study.bench.measure.bench` returns
VARIANT_NAMES = {  # of variants, as the paper has them
    **{"torchvision": "torchvision, FPN", "fpn": "ours, FPN", "augfpn": "ours, AugFPN"},
    **{"cs": "ours, CS", "rfa": "ours, RFA", "srs": "ours, SRS"},
}


def bench_text(found: Measured) -> str:
    """Two tables for each use, what was assumed, and the machine."""
    blocks = [text for use in found["uses"] for text in use_text(use, found["uses"][use])]
    rates, about = found["rates"], found["environment"]
    machine = (
        f"{about['device_name']}, {about['threads']} threads, torch {about['versions']['torch']}; "
        f"{rates['macs_per_second'] / 1e9:.0f} G multiply-accumulates and "
        f"{rates['bytes_per_second'] / 1e9:.1f} GB of copying per second; load average "
        f"{' to '.join(map(str, about['load_average']))} (the times of a busy machine vary: trust "
        "the ratios)"
    )
    return "\n\n".join([*blocks, "\n".join([*found["assumed"], machine])])


def use_text(use: str, result: Measured) -> list[str]:
    """A heading with the table of whole steps, and the table of parts."""
    variants, base = in_table_order(result["variants"]), result["base"]
    rounds = len(variants[base]["seconds"])
    rois = f", {variants[base]['rois'][0]} RoIs each" if variants[base]["rois"] else ""
    heading = f"{use_and_images(use, result)}{rois}; {rounds} rounds"
    header = ("", "seconds", "quartiles", f"/ {base}", "range", "CPU time", "peak MB", f"/ {base}",
              "floor s", "times floor")  # fmt: skip
    rows = [
        (
            name,
            *time_cells(each),
            f"{each['peak_bytes'] / 1e6:.0f}",
            f"{each['peak_ratio']:.2f}",
            f"{each['floor']['seconds']:.3g}",
            f"{each['floor']['times']:.1f}",
        )
        for name, each in variants.items()
    ]
    return [f"{heading}\n{columns(header, rows)}", parts_text(variants)]


def time_cells(each: Measured) -> tuple[str, ...]:
    """Seconds and quartiles, the ratio and its range, and the ratio of processor time."""
    return (
        f"{each['median']:.3g}",
        " ".join(f"{x:.3g}" for x in each["quartiles"]),
        f"{each['ratio']['median']:.2f}",
        f"{each['ratio']['low']:.2f} {each['ratio']['high']:.2f}",
        f"{each['cpu_ratio']['median']:.2f}",
    )


def parts_text(variants: Measured) -> str:
    """Milliseconds by part, a column for each variant, from rounds of their own."""
    used = [part for part in PARTS if any(part in each["parts"] for each in variants.values())]
    rows = [(part, [each["parts"].get(part) for each in variants.values()]) for part in used]
    rows.append(("sum", [sum(each["parts"].values()) for each in variants.values()]))
    place = next((n for n, (part, _) in enumerate(rows) if part == "backward"), None)
    if place is not None:
        rows[place + 1 : place + 1] = [
            (f"  of {part}", [each["backward_parts"].get(part) for each in variants.values()])
            for part in PARTS
            if any(part in each["backward_parts"] for each in variants.values())
        ]
    lines = [
        (part, *("-" if x is None else f"{1000 * x:.0f}" for x in cells)) for part, cells in rows
    ]
    return columns(("milliseconds by part", *variants), lines)


def in_table_order(variants: Measured) -> Measured:
    """The same in the order of `VARIANTS`: a JSON file is in that of the alphabet."""
    return {name: variants[name] for name in VARIANTS if name in variants}


def variant_title(variant: str) -> str:
    """A variant as texts call it; one without a name is called as its settings call it."""
    return VARIANT_NAMES.get(variant, variant)


def use_and_images(use: str, result: Measured) -> str:
    """A use with its images."""
    height, width = result["size"]
    plural = "s" if result["batch"] > 1 else ""
    return f"{called(use)}, {result['batch']} image{plural} of {height} x {width}"


def called(use: str) -> str:
    """A use as texts call it."""
    return "inference" if use == "testing" else use


def figure_of(found: Measured) -> Figure:
    """Time by part of all variants and uses; each bar is as long as the median of whole steps."""
    panels, ratios, base = {}, {}, ""
    for use, result in found["uses"].items():
        title = use_and_images(use, result)
        forward, backward = {}, {}
        for variant, each in in_table_order(result["variants"]).items():
            name, scale = variant_title(variant), each["median"] / sum(each["parts"].values())
            outside = {p: s * scale for p, s in each["parts"].items() if p != "backward"}
            forward[name] = outside
            backward[name] = {p: s * scale for p, s in each["backward_parts"].items()}
        panels[title] = forward, backward if any(backward.values()) else {}
        every = result["variants"].items()
        ratios[title] = {variant_title(variant): each["ratio"]["median"] for variant, each in every}
        base = variant_title(result["base"])
    return costs.time_by_part(panels, ratios, base)


def write_files(found: Measured, folder: Path) -> list[Path]:
    """Write what was measured as JSON, and a bench also as a figure, in place of older files."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = next((name for name in ("goals", "scaling", "engines") if name in found), "bench")
    file = folder / f"{kind}.json"
    write_json(file, found)
    if kind != "bench":
        return [file]
    drawn = folder / FIGURE_FILE
    with whole(drawn) as unfinished:
        theme.write_svg(figure_of(found), unfinished)
    return [file, drawn]
