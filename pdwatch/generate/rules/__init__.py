"""Recording rules: ratios per service and role from what engines themselves export."""
