"""What a role is asked for and what it can bear, learned from pages; and the formulas that size it."""
