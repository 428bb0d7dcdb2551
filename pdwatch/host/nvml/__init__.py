"""GPUs through NVML, which runs in a child process: a driver upgrade, a hang or a lost GPU never touches the daemon.

    supervisor (parent)  --- one request a line --->  child  --->  session -> device -> fields, calls, ...
                         <-- one answer or XID a line ---

Only the child loads the driver's library. It is found as the dynamic loader finds `libnvidia-ml.so.1`.
"""
