"""A session on a clock that stands still: each line on stdin is the seconds that pass, and is answered by a reading."""

from __future__ import annotations

import json
import sys

import pynvml

from pdwatch.host.nvml.codec import encode
from pdwatch.host.nvml.session import Session

now = 0.0
session = Session(pynvml, lambda *_: None, lambda: now, lambda: now)
for line in sys.stdin:
    now += float(line)
    print(json.dumps(encode(session.collect())), flush=True)
