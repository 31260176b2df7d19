"""What the records say, as the tables and figures of the book and of the report."""
