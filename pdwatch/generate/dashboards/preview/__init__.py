"""Boards drawn from a Prometheus as local pages, well enough to be judged by eye without a Grafana."""
