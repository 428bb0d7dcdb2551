"""How much less it costs to read a page that only changed its values: PageParser against prometheus_client.

Run `python -m benchmarks.parse`. The page is that of a vLLM 0.33.0 decode worker; every value moves between two pages.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from pdwatch.scrape.exposition import PageParser

PAGE = Path(__file__).parent.parent / "tests" / "pages" / "vllm" / "vllm-0.33.0-decode.txt"
PAGES, ROUNDS = 10, 7
NEEDED = ("num_requests", "kv_cache", "nixl", "tokens_total", "request_", "time_to_first", "inter_token", "preemptions")


def main() -> None:
    """Print CPU time a page of both readers and their ratio, over all samples and over the needed ones."""
    pages = moving_pages(PAGE.read_text(encoding="utf-8"), PAGES)
    every, needed = PageParser(), PageParser(wanted=lambda name: any(word in name for word in NEEDED))
    for text in pages:
        assert reference_values(text) == list(every.parse(text).values), "not the samples of prometheus_client"
    count = len(needed.parse(pages[0]).values)
    timings = [
        (
            cpu_us(reference_values, pages),
            cpu_us(every.parse, pages * 20),
            cpu_us(needed.parse, pages * 20),
            first(pages),
        )
        for _ in range(ROUNDS)
    ]
    reference, fast, filtered, cold = map(statistics.median, zip(*timings, strict=True))
    print(f"page: {len(pages[0])} characters, {len(every.parse(pages[0]).values)} samples; medians of {ROUNDS} rounds")
    print(f"prometheus_client       {reference:8.0f} us/page")
    print(f"pdwatch, all samples    {fast:8.0f} us/page  {reference / fast:6.1f} times faster, same samples")
    print(f"pdwatch, {count} samples    {filtered:8.0f} us/page  {reference / filtered:6.1f} times faster")
    print(f"pdwatch, first page     {cold:8.0f} us/page  {reference / cold:6.1f} times faster, its series known")


def moving_pages(text: str, count: int) -> list[str]:
    """Return *count* copies of the page, each with random values."""
    rng = random.Random(33)
    sample = re.compile(r"^(?!#)(.*) \S+$", re.MULTILINE)
    return [sample.sub(lambda line: f"{line[1]} {rng.uniform(0, 1e6):.6g}", text) for _ in range(count)]


def reference_values(text: str) -> list[float]:
    """Return the values that prometheus_client reads."""
    return [sample.value for family in text_string_to_metric_families(text) for sample in family.samples]


def first(pages: Iterable[str]) -> float:
    """Return the time of a first page, as when a target joins a fleet of its like."""
    return cpu_us(lambda text: PageParser().parse(text), pages)


def cpu_us(read: Callable[[str], object], pages: Iterable[str]) -> float:
    """Return the CPU time of *read* in microseconds a page."""
    texts = list(pages)
    started = time.process_time()
    for text in texts:
        read(text)
    return (time.process_time() - started) / len(texts) * 1e6


if __name__ == "__main__":
    main()
