"""Scraping: the HTTP transport, exposition text to numbers, and the loop that asks every target once an interval."""
