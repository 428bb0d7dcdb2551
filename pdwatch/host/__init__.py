"""What the engines do not tell: GPUs, fabric ports, engine processes and engine logs of one host."""
