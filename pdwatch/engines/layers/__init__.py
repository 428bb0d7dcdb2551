"""KV layers: pages, or parts of an engine's page, that tell of transfers."""
