"""Pictures in, boxes out: the detectors and their parts."""
