"""The snapshot for other programs and for people: Prometheus exposition, JSON, events, service discovery, one page."""
