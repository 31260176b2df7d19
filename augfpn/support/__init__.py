"""What knows nothing of detection: files, machine, progress, text."""
