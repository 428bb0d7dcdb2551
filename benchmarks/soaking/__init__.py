"""What `benchmarks.soak` hurts."""
