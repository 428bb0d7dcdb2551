"""How the advice is judged: a simulated fleet that is watched, scaled and scored, without network or clock."""
