"""Pages that are none of a host."""

from __future__ import annotations

import pytest

from pdwatch.host.adapters import wants


@pytest.mark.parametrize(
    "text",
    [
        'vllm:num_requests_running{engine="0"} 1\n',
        "process_start_time_seconds 1\n",
        'pdwatch_worker_up{worker="w"} 1\npdwatch_host_up{host="a"} 1\n',
        'pdwatch_host_up{host="a"} 1\npdwatch_host_up{host="b"} 1\n',
    ],
    ids=["engine", "any process", "serve of one host", "serve of two hosts"],
)
def test_a_page_that_is_none_of_a_host_is_nobodys(reading, text):
    """Whoever asked is told, and nothing is made up."""
    assert None is reading(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('pdwatch_gpu_memory_used_bytes{host="a",gpu="0"} 1.5', "'memory_used_bytes': a whole number is expected"),
        ('pdwatch_gpu_info{host="a"} 1', "a series lacks 'gpu'"),
        ('pdwatch_gpu_xid_errors_total{host="a",gpu="0",xid="63"} 1', "a series lacks "),
    ],
)
def test_a_page_that_contradicts_itself_is_refused_in_one_line(reading, line, message):
    """The line names what is wrong."""
    text = f'pdwatch_host_up{{host="a"}} 1\npdwatch_gpu_reading_timestamp_seconds{{host="a"}} 1\n{line}\n'

    with pytest.raises(ValueError, match=message) as caught:
        reading(text)

    assert "\n" not in str(caught.value)


def test_only_what_is_read_is_parsed():
    """A node_exporter has thousands of series that tell nothing here."""
    assert not wants("node_cpu_seconds_total")
    assert wants("node_infiniband_info")
    assert wants("DCGM_FI_DEV_GPU_UTIL")
