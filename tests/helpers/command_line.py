"""What tests of the command line share."""

SMOKE = ["--budget", "smoke", "--steps", "2", "--limit", "2", "--device", "cpu"]


def lines(text: str) -> dict[str, list[str]]:
    """The rows of printed tables, by their first word."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
