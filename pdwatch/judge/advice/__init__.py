"""Advice: what to do about the capacity of a service.

One way through the files: `role` (what is asked and what replicas bear), `demand` (over time), `need` (more, fewer or
enough, with patience), `plan` (both roles within the GPUs there are), `answer` (which question decides), `advisor`
(from tick to tick), `decisions` (what became of it).
"""

from pdwatch.judge.advice.advisor import Advisor
from pdwatch.judge.advice.limits import Limits, ServiceLimits

__all__ = ["Advisor", "Limits", "ServiceLimits"]
