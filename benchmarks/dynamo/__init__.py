"""pdwatch's advice and NVIDIA Dynamo's own planner, on the same traffic, in the simulator that comes with Dynamo.

This runs in a virtual environment of its own, which `install.sh` makes, and so imports nothing of pdwatch: pages go to
`pdwatch replay -` and advice comes back, as docs/replay-loop.md says.
"""
