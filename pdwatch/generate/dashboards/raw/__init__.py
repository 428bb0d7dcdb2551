"""The boards over the engines' own metrics, one module each."""
