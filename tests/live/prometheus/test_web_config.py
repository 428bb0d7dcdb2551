"""A real Prometheus scrapes pdwatch over TLS with a password, and goes on when the certificate is renewed."""

from __future__ import annotations

from urllib.parse import urlsplit

import bcrypt
import pytest

pytestmark = pytest.mark.live

PASSWORD = "correct horse, battery: staple"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, authority):
    """A web configuration with the files that it names, and the password for Prometheus."""
    folder = tmp_path_factory.mktemp("web")
    authority.issue("server", folder)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    tls = "tls_server_config: {cert_file: server.pem, key_file: server.key, min_version: TLS13}\n"
    (folder / "web.yml").write_text(f"{tls}basic_auth_users: {{prometheus: {hashed}}}\n")
    (folder / "password").write_text(PASSWORD)
    return folder


@pytest.fixture(scope="module")
def program(pdwatch, fleet, folder):
    """pdwatch on a healthy fleet, behind TLS and a password."""
    flags = ("--listen", "127.0.0.1:0", "--interval", "1s", "--web.config.file", str(folder / "web.yml"))
    return pdwatch("serve", *flags, *fleet.flags)


@pytest.fixture(scope="module")
def prometheus(start_prometheus, program, authority, folder):
    """Prometheus with three jobs on the same address: as it should be, without a password, and without TLS."""
    url = program.line(r"^pdwatch serve: (https://\S+) ")[1]
    secure = {
        "scheme": "https",
        "tls_config": {"ca_file": str(authority.certificate)},
        "static_configs": [{"targets": [urlsplit(url).netloc]}],
    }
    known = {"basic_auth": {"username": "prometheus", "password_file": str(folder / "password")}}
    return start_prometheus(
        [
            {"job_name": "known", **secure, **known},
            {"job_name": "nameless", **secure},
            {"job_name": "plain", **secure, **known, "scheme": "http"},
        ]
    )


def test_only_who_has_the_password_and_speaks_tls_is_answered(prometheus):
    """The one job sees the workers; the others are down, not empty."""
    workers = prometheus.wait_for("pdwatch_worker_up == 1", lambda series: len(series) == 4)
    down = prometheus.wait_for("up == 0", lambda series: len(series) == 2)

    assert {"known"} == {labels["job"] for labels, _ in workers}
    assert {"nameless", "plain"} == {labels["job"] for labels, _ in down}


def test_scrapes_go_on_over_a_renewal(prometheus, program, authority, folder):
    """No scrape fails from the old certificate to the new one."""
    prometheus.wait_for("sum_over_time(up{job='known'}[5m]) >= 2")
    told = len(program.err)
    certificate, key = authority.issue("renewed", folder)
    certificate.replace(folder / "server.pem")
    key.replace(folder / "server.key")
    program.line("web configuration read again", after=told)
    seen = prometheus.query("count_over_time(up{job='known'}[5m])")[0][1]
    prometheus.wait_for(f"count_over_time(up{{job='known'}}[5m]) >= {seen + 2}")

    assert [1.0] == [value for _, value in prometheus.query("min_over_time(up{job='known'}[5m])")]


def test_nothing_secret_is_told(prometheus, program):
    """Neither the password nor its hash is on any line, and nobody's refusal is an error of ours."""
    prometheus.wait_for("up{job='nameless'} == 0")
    told = "".join((*program.out, *program.err))

    assert PASSWORD not in told
    assert "$2b$" not in told
    assert "Traceback" not in told
    assert 0 == program.stop()
