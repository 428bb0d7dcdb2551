"""Files that are made from the catalogue: dashboards, rules and pages of the documentation."""
