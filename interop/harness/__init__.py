"""What the suites in Python share."""
