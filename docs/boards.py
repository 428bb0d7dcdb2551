"""Draw the pictures of the dashboards: three simulated services, an incident in one, and the preview in a browser.

Run `python docs/boards.py [MINUTES]`. It needs Prometheus, Chromium and pngquant; everything is on loopback.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

OUTPUT = Path(__file__).parent / "images"
PICTURES = {
    "pdwatch-fleet": 1720,
    "pdwatch-service": 1640,
    "pdwatch-transfer": 1250,
    "pdwatch-gpus": 1290,
    "raw-vllm-request": 1140,
}
"""Boards that are shown, with the height of their picture in pixels."""
WIDTH = 1640
SPEED = 1
SERVICES = {"chat": "sick_hosts", "search": "decode_bound", "code": "healthy"}
STORY = (
    (0.3, "chat", {"do": "bandwidth", "factor": 0.05}),
    (0.55, "chat", {"do": "bandwidth", "factor": 1.0}),
    (0.6, "chat", {"do": "kill", "worker": "decode-1"}),
    (0.8, "chat", {"do": "start", "worker": "decode-1"}),
)
"""What happens at which share of the time."""

Json = dict[str, Any]


@contextmanager
def program(*command: str, log: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the end of the block."""
    with (log or Path("/dev/null")).open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def pdwatch(*arguments: str) -> tuple[str, ...]:
    """Return the command line of a command of pdwatch."""
    return (sys.executable, "-m", "pdwatch", *arguments)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_fleet(stack: ExitStack, scenario: str) -> Json:
    """Start a simulated fleet and return its addresses."""
    flags = ("--scenario", scenario, "--port", "0", "--speed", str(SPEED))
    fleet = stack.enter_context(program(sys.executable, "-m", "pdwatch.demo", *flags))
    assert fleet.stdout is not None
    addresses: Json = json.loads(fleet.stdout.readline())
    return addresses


def workers(service: str, urls: Json) -> Iterator[tuple[str, Json]]:
    """Yield address and labels of each worker of a fleet."""
    for role in ("prefill", "decode"):
        for index, url in enumerate(urls[role]):
            name = f"{service}-{role}-{index}"
            yield url, {"service": service, "role": role, "replica": name, "worker": name, "host": f"node-{name}"}


def router(service: str, urls: Json) -> Json:
    """Return the entry of a fleet's router, whose own page lies at the same address."""
    return {"url": urls["router"], "metrics_url": f"{urls['router']}/metrics", "service": service}


def configuration(fleets: dict[str, Json], listen: str) -> Json:
    """Return a configuration of serve over the fleets, their routers and hosts."""
    found = [(url, labels) for service, urls in fleets.items() for url, labels in workers(service, urls)]
    agents = [
        (agent, labels["host"])
        for service, urls in fleets.items()
        for agent, (_, labels) in zip(urls.get("agents", ()), workers(service, urls), strict=False)
    ]
    return {
        "listen": listen,
        "scrape": {"interval": "1s"},
        "services": {service: {"slo": {"ttft": "500ms", "itl": "50ms"}} for service in fleets},
        "discovery": [
            {"static": [{"targets": [url], "labels": labels} for url, labels in found]},
            *({"router": router(service, urls)} for service, urls in fleets.items()),
        ],
        "hosts": [{"static": [{"targets": [url], "labels": {"host": host}} for url, host in agents]}],
    }


def scraping(fleets: dict[str, Json], serve: str) -> Json:
    """Return a configuration of Prometheus: pdwatch, and the engines themselves under the same labels."""
    engines = [
        {"targets": [url.removeprefix("http://")], "labels": labels}
        for service, urls in fleets.items()
        for url, labels in workers(service, urls)
    ]
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            {"job_name": "pdwatch", "static_configs": [{"targets": [serve]}]},
            {"job_name": "vllm", "static_configs": engines},
        ],
    }


def play(fleets: dict[str, Json], seconds: float) -> None:
    """Let the incident happen."""
    began = time.monotonic()
    for share, service, fault in (*STORY, (1.0, "", {})):
        time.sleep(max(0.0, began + share * seconds - time.monotonic()))
        if service:
            httpx.post(f"{fleets[service]['router']}/demo/fault", json=fault, trust_env=False).raise_for_status()


def photograph(page: Path, height: int) -> None:
    """Write a picture of a page."""
    picture = OUTPUT / f"{page.stem}.png"
    size = ("--headless=new", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{height}")
    browser = shutil.which("chromium") or "chromium"
    subprocess.run([browser, *size, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True)
    subprocess.run(["pngquant", "--force", "--ext", ".png", "--speed", "1", "32", str(picture)], check=True)
    print(picture)


def main(minutes: float) -> None:
    """Play the incident and write the pictures."""
    OUTPUT.mkdir(exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleets = {service: start_fleet(stack, scenario) for service, scenario in SERVICES.items()}
        serve, prometheus = (f"127.0.0.1:{free_port()}" for _ in range(2))
        (folder / "pdwatch.yaml").write_text(yaml.safe_dump(configuration(fleets, serve)))
        (folder / "prometheus.yml").write_text(yaml.safe_dump(scraping(fleets, serve)))
        stack.enter_context(program(*pdwatch("serve", "--config", str(folder / "pdwatch.yaml"))))
        stored = ("--config.file", str(folder / "prometheus.yml"), "--storage.tsdb.path", str(folder / "data"))
        stack.enter_context(program("prometheus", *stored, f"--web.listen-address={prometheus}"))
        play(fleets, 60 * minutes)
        last = ("--last", f"{minutes:g}m", "--output", str(folder / "pages"))
        subprocess.run(pdwatch("generate", "dashboards", "--preview", f"http://{prometheus}", *last), check=True)
        for name, height in PICTURES.items():
            photograph(folder / "pages" / f"{name}.html", height)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 6)
