"""What the study runs: parts, pictures, controls; which runs are missing, and how they are run."""
