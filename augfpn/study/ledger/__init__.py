"""The paper's claims, their tests, and what was fixed before the runs that confirm."""
