"""The bodies of the commands, one module each with `run(args) -> int`, imported only when the command is called."""
