"""The command line: parsing, settings, and the wiring of each command."""
