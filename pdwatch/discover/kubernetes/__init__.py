"""Pods of a Kubernetes cluster as targets, by list and watch over its REST API."""
