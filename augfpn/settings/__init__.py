"""Words become an experiment: parameters, budgets, dialects, recipes, the paper's rows."""
