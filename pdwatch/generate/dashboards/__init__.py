"""Dashboards for Grafana: panels as data, built by grafanalib and written as JSON of schema version 41."""
