"""docs/configuration.md: every key with type, default and meaning, made from the models."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pdwatch.config.environment import PREFIX
from pdwatch.config.errors import KeyPath, dotted
from pdwatch.config.load import schema
from pdwatch.config.schema import Node
from pdwatch.config.units import format_duration, format_size

EXAMPLE = """\
scrape: {interval: 5s, timeout: 3s}
services:
  deepseek-r1:
    slo: {ttft: 2s, itl: 50ms, target: 0.95}
    gpu_budget: 64
    pools:
      prefill: {gpus_per_replica: 4, max_replicas: 12, startup: 4m}
      decode: {gpus_per_replica: 8, max_replicas: 6}
discovery:
  - static:
      - targets: ["10.0.0.1:8087", "10.0.0.2:8087"]
        labels: {service: deepseek-r1, role: prefill, replica: p0, host: node0}
  - file: {paths: ["targets/*.yaml"]}
  - kubernetes: {namespaces: [llm], selector: "llm-d.ai/inferenceServing=true"}
  - router: {url: "http://router:8123", metrics_url: "http://router:29000", service: deepseek-r1}
hosts:
  - static: [{targets: ["node0:10078"]}]
thresholds: {kv_usage_high: 0.85}
"""

_HEAD = f"""# Configuration

Every key of the file that `--config FILE` or `PDWATCH_CONFIG` names, generated from `pdwatch/config/` by
`pdwatch generate docs`. Without a file, flags or the environment are enough.

- An unknown key is refused with the nearest known one. A key without a value is not set. An empty file is the defaults.
- Durations are those of Prometheus (`500ms`, `5s`, `1h30m`); sizes have binary or decimal units (`16MiB`, `10MB`); URLs
  of pages stand with or without `/metrics`.
- A relative path is relative to the folder of the file; on the command line, to the working directory.
- Every key is also a variable: `{PREFIX}` and the key in capitals, levels apart by two underscores, as in
  `PDWATCH_SCRAPE__INTERVAL=2s`. A service is named without regard to case and with `_` for every character that is no
  letter or digit: `PDWATCH_SERVICES__DEEPSEEK_R1__GPU_BUDGET=64`. A list or a mapping is set
  as a whole, as YAML that begins with `[` or `{{`:
  `PDWATCH_DISCOVERY='[{{static: [{{targets: ["node0:8087"]}}]}}]'`.
- Flags win over the environment, and it wins over the file.
- A secret stands in a file that a key names, or in the environment: `credentials` and `password` are refused here.
- `SIGHUP` or `POST /-/reload` reads everything again; a file with a mistake keeps the old configuration and says so.

```yaml
{EXAMPLE}```

In the table, `NAME` stands for the name of a service and `[]` for each entry of a list.

"""

_ACCESS = ("authorization", "basic_auth", "tls")


def docs_page() -> str:
    """Return docs/configuration.md."""
    return f"{_HEAD}| Key | Type | Default | Meaning |\n|---|---|---|---|\n" + "".join(
        f"{row}\n" for row in _rows(schema())
    )


def key_name(path: KeyPath) -> str:
    """Return a path as the table has it: `discovery[].static[].targets`, `services.NAME.slo`."""
    text = dotted(path)
    return text.replace("services.*", "services.NAME").replace(".*", "[]")


def told_elsewhere(path: KeyPath) -> bool:
    """Whether a key is one of a group that another row tells: hosts are as discovery, its access as that of scrape."""
    below_access = any(part in _ACCESS for part in path[:-1])
    return path[:2] == ("hosts", "*") or (path[0] == "discovery" and below_access)


def _rows(root: Node) -> Iterator[str]:
    for path, node in root.paths():
        if node.field is not None and not told_elsewhere(path):
            cells = (f"`{key_name(path)}`", node.kind, _default(node), _meaning(path, node.field))
            yield f"| {' | '.join(cells)} |"


def _meaning(path: KeyPath, field: FieldInfo) -> str:
    text = field.description or ""
    if path == ("hosts",):
        return f"{text} Entries as under `discovery`."
    if path[0] == "discovery" and path[-1] in _ACCESS:
        return f"{text} Keys as under `scrape.{path[-1]}`."
    return text


def _default(node: Node) -> str:
    field = node.field
    if field is None or field.is_required():
        return "required" if field is not None else ""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "default" in extra:
        return str(extra["default"])
    if node.keys or node.item is not None or field.default in (None, PydanticUndefined):
        return ""
    return f"`{_written(node.kind, field.default)}`"


def _written(kind: str, value: object) -> str:
    if kind == "duration" and isinstance(value, float):
        return format_duration(value)
    if kind == "size" and isinstance(value, int):
        return format_size(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
