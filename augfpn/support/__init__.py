"""Helpers that know nothing of detection: files, machine, progress, text."""
