"""From what a user types to an experiment: parameters, budgets, dialects, recipes."""
