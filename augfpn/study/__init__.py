"""From many records to tables, figures and verdicts on the paper's claims."""
