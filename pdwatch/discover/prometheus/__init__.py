"""A Prometheus as the place where workers are found and their pages are read, in place of the workers themselves."""
