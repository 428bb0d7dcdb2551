"""Recordings: what was collected, as text that can be sent, and read back as if it happened again."""
