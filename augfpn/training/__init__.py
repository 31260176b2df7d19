"""An experiment becomes a record: load, train, evaluate."""
