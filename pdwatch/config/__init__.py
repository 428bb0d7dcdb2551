"""The configuration: frozen models of the YAML file, how it is read, and the one-line messages when it is wrong.

This package module imports nothing, so that a command line can catch `ConfigError` without loading pydantic.
"""
