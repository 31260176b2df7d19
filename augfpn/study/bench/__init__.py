"""What detectors cost on this machine: `augfpn bench`."""
