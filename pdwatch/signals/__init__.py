"""Derived numbers, one file per kind: windows over readings in, states of engines, pools and services out."""
