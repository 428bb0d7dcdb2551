"""Everything that has a name, stated once: metrics, thresholds. Faces, rules, docs and tests read it from here."""
