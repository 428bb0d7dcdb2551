"""Where targets come from: files, HTTP services, routers and the command line, merged into one list."""
