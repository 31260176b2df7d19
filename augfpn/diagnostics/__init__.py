"""The paper's three defects, measured on a recorded detector."""
