"""The boards over pdwatch's own metrics, one module each."""
