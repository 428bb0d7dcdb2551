"""The road that data takes: outcomes of scrapes in, one snapshot a tick out. Live scraping and replay share it."""
