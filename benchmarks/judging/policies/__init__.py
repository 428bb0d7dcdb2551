"""The policies that are compared, one file per system, under one protocol."""
