"""How sure an AP or a difference of two is: scores, draws, intervals, pooled variances."""
