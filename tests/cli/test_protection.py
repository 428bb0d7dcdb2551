"""A web configuration that cannot be used ends the program before it listens."""

from __future__ import annotations

import pytest

from pdwatch.cli.main import main

WORKER = ("--prefill", "127.0.0.1:1", "--listen", "127.0.0.1:0")


@pytest.mark.parametrize("way", ["flag", "configuration"])
def test_a_bad_web_configuration_is_one_line_and_status_2(tmp_path, capsys, way):
    """By flag or by configuration file; the file's name, the line and the mend are in the line."""
    (tmp_path / "web.yml").write_text("\nbasic_auth_users: {alice: hunter2}\n")
    (tmp_path / "pdwatch.yaml").write_text("web: {config_file: web.yml}\n")
    flags = {
        "flag": ("--web.config.file", str(tmp_path / "web.yml")),
        "configuration": ("--config", str(tmp_path / "pdwatch.yaml")),
    }
    status = main(["serve", *WORKER, *flags[way]])
    says = "basic_auth_users.alice: is no bcrypt hash; make one with: htpasswd -nBC 10 USER"

    assert (2, f"pdwatch serve: {tmp_path}/web.yml:2: {says}\n") == (status, capsys.readouterr().err)


def test_a_missing_web_configuration(tmp_path, capsys):
    """Whoever asks for a lock gets no open door."""
    status = main(["serve", *WORKER, "--web.config.file", str(tmp_path / "none.yml")])
    says = f"'{tmp_path}/none.yml': no such file or directory; name a file that can be read"

    assert (2, f"pdwatch serve: --web.config.file: web.config_file: {says}\n") == (status, capsys.readouterr().err)
