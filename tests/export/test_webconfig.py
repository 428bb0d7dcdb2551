"""What a web configuration file says, and each mistake in it in one line."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from pdwatch.export.webconfig import TLS12_SUITES, parse_web_config
from pdwatch.export.websection import WebConfigError

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
PAIR = "cert_file: a.pem, key_file: a.key"


def parse(text):
    """The configuration that the file `/etc/pdwatch/web.yml` asks for."""
    return parse_web_config(text, Path("/etc/pdwatch/web.yml"))


def complaint(text):
    """What is said about a text, without the folder."""
    with pytest.raises(WebConfigError) as caught:
        parse(text)
    return str(caught.value).removeprefix("/etc/pdwatch/")


@pytest.mark.parametrize("text", ["", "---\n", "tls_server_config:\nbasic_auth_users: {}\nhttp_server_config:\n"])
def test_an_empty_file_asks_for_nothing(text):
    """Plain HTTP without passwords, as before the file was there."""
    web = parse(text)

    assert (None, {}, {}, None) == (web.tls, dict(web.users), dict(web.headers), web.http2)


def test_a_certificate_alone():
    """File names are relative to the file; TLS 1.2 is the oldest that is spoken; no client is asked."""
    tls = parse("tls_server_config:\n  cert_file: tls/a.pem\n  key_file: /run/a.key\n").tls

    assert tls is not None
    assert (Path("/etc/pdwatch/tls/a.pem"), Path("/run/a.key")) == tls.files
    assert (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3) == (tls.min_version, tls.max_version)
    assert (ssl.CERT_NONE, None, (), True) == (
        tls.client_auth,
        tls.client_ca_file,
        tls.cipher_suites,
        tls.prefer_server_cipher_suites,
    )


@pytest.mark.parametrize(
    ("word", "mode"),
    [("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL), ("RequireAndVerifyClientCert", ssl.CERT_REQUIRED)],
)
def test_client_certificates_that_are_verified(word, mode):
    """Both ways of verifying are kept."""
    tls = parse(f"tls_server_config: {{{PAIR}, client_ca_file: ca.pem, client_auth_type: {word}}}").tls

    assert tls is not None
    assert (mode, Path("/etc/pdwatch/ca.pem")) == (tls.client_auth, tls.client_ca_file)


def test_cipher_suites_by_the_names_of_go():
    """Those of TLS 1.2 are OpenSSL's by another name; those of TLS 1.3 are always on."""
    names = "[TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"
    tls = parse(f"tls_server_config: {{{PAIR}, cipher_suites: {names}, prefer_server_cipher_suites: false}}").tls

    assert tls is not None
    assert (("ECDHE-RSA-AES128-GCM-SHA256",), False) == (tls.cipher_suites, tls.prefer_server_cipher_suites)


@pytest.mark.parametrize("suite", TLS12_SUITES.values())
def test_openssl_knows_each_suite(suite):
    """No name of the table is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(suite)

    assert suite in {cipher["name"] for cipher in context.get_ciphers()}


def test_headers_and_users():
    """A header without a value is not set."""
    web = parse(f"""
http_server_config:
  http2: true
  headers: {{X-Frame-Options: deny, X-XSS-Protection: "", Strict-Transport-Security: max-age=3600}}
basic_auth_users:
  alice: {HASH}
  007: "{HASH}"
""")

    assert {"X-Frame-Options": "deny", "Strict-Transport-Security": "max-age=3600"} == web.headers
    assert {"alice": HASH, "007": HASH} == web.users
    assert web.http2 is True


def test_hashes_stay_out_of_what_is_printed():
    """A configuration in a traceback or a log shows no hash."""
    assert HASH not in repr(parse(f"basic_auth_users: {{alice: {HASH}}}"))


TLS = "tls_server_config: {" + PAIR
WRONG = [
    ("tls_server_confg: {}", "web.yml:1: tls_server_confg: is no known key; did you mean tls_server_config?"),
    (
        "qqq: 1",
        "web.yml:1: qqq: is no known key; known keys are tls_server_config, http_server_config, basic_auth_users",
    ),
    ("- 1", "web.yml:1: is no mapping; begin with a key such as tls_server_config:"),
    ("a: b\na: c", "web.yml:2: a: is given twice, first on line 1; keep one"),
    ("[a]: b", "web.yml:1: has a key that is no text; write key: value"),
    (
        "tls_server_config: x",
        "web.yml:1: tls_server_config: is no mapping; write one key: value a line, indented below it",
    ),
    ("basic_auth_users:\n\talice: hunter2", "web.yml:2: is not YAML; look at this line and the one above"),
    ("basic_auth_users:\n  alice: *hunter2", "web.yml:2: is not YAML; look at this line and the one above"),
    ("a: \x01", "web.yml:1: holds a control character; remove it"),
    ("[" * 5000, "web.yml:1: is nested too deep; close its brackets"),
    (
        "rate_limit: {burst: 20}",
        "web.yml:1: rate_limit: is not supported by pdwatch; remove it, and limit requests in a proxy in front",
    ),
    (
        "tls_server_config:\n  cert_file: a.pem\n",
        "web.yml:1: tls_server_config.key_file: is missing; name a file in PEM format as key_file: FILE",
    ),
    (
        "tls_server_config:\n  cert_file:\n  key_file: a.key\n",
        "web.yml:2: tls_server_config.cert_file: is missing; name a file in PEM format as cert_file: FILE",
    ),
    (
        "tls_server_config:\n  cert_file: [a.pem]\n  key_file: a.key\n",
        "web.yml:2: tls_server_config.cert_file: is no text; write cert_file: value",
    ),
    (
        'tls_server_config: {cert_file: "a\\0b", key_file: a.key}',
        (
            "web.yml:1: tls_server_config.cert_file: holds a sign that no file name should; "
            "name the file with printable signs"
        ),
    ),
    (
        TLS + ", cert_fil: b}",
        "web.yml:1: tls_server_config.cert_fil: is no known key; did you mean cert_file?",
    ),
    (
        "tls_server_config:\n  key: |\n    -----BEGIN PRIVATE KEY-----\n    hunter2\n",
        (
            "web.yml:2: tls_server_config.key: is not supported by pdwatch; "
            "write the key into a file and name it in key_file"
        ),
    ),
    (
        TLS + ", client_allowed_sans: [a]}",
        (
            "web.yml:1: tls_server_config.client_allowed_sans: is not supported by pdwatch; "
            "remove it, and let client_ca_file sign only those who may come in"
        ),
    ),
    (
        TLS + ", curve_preferences: [X25519]}",
        (
            "web.yml:1: tls_server_config.curve_preferences: is not supported by pdwatch; "
            "remove it; OpenSSL chooses the curve"
        ),
    ),
    (
        TLS + ", client_auth_type: RequireAnyClientCert}",
        (
            "web.yml:1: tls_server_config.client_auth_type: takes certificates that nobody has signed, which is not "
            "supported by pdwatch; use RequireAndVerifyClientCert with client_ca_file"
        ),
    ),
    (
        TLS + ", client_auth_type: Always}",
        (
            "web.yml:1: tls_server_config.client_auth_type: is no known value; "
            "choose one of NoClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert"
        ),
    ),
    (
        TLS + ", client_auth_type: VerifyClientCertIfGiven}",
        "web.yml:1: tls_server_config.client_auth_type: has nothing to verify with; name the signer in client_ca_file",
    ),
    (
        TLS + ", client_ca_file: ca.pem}",
        (
            "web.yml:1: tls_server_config.client_ca_file: is never used without client_auth_type; "
            "add client_auth_type: RequireAndVerifyClientCert"
        ),
    ),
    (
        TLS + ", min_version: TLS10}",
        "web.yml:1: tls_server_config.min_version: is obsolete and not supported by pdwatch; choose TLS12 or TLS13",
    ),
    (
        TLS + ", max_version: 1.3}",
        "web.yml:1: tls_server_config.max_version: is no known value; choose one of TLS12, TLS13",
    ),
    (
        TLS + ", min_version: TLS13, max_version: TLS12}",
        "web.yml:1: tls_server_config.min_version: is above max_version; swap them, or leave out both",
    ),
    (
        TLS + ", cipher_suites: TLS_AES_128_GCM_SHA256}",
        "web.yml:1: tls_server_config.cipher_suites: is no list of names; write cipher_suites: [NAME, NAME]",
    ),
    (
        TLS + ", cipher_suites: [TLS_AES_128_GCM_SHA256]}",
        "web.yml:1: tls_server_config.cipher_suites: names no suite of TLS 1.2; add one, or set min_version: TLS13",
    ),
    (
        TLS + ", prefer_server_cipher_suites: perhaps}",
        (
            "web.yml:1: tls_server_config.prefer_server_cipher_suites: is neither true nor false; "
            "write prefer_server_cipher_suites: true or prefer_server_cipher_suites: false"
        ),
    ),
    (
        "http_server_config: {http3: true}",
        "web.yml:1: http_server_config.http3: is no known key; did you mean http2?",
    ),
    (
        "http_server_config:\n  headers:\n    X-Frame-Option: deny\n",
        "web.yml:3: http_server_config.headers.X-Frame-Option: is no known key; did you mean X-Frame-Options?",
    ),
    (
        "http_server_config: {headers: {X-Frame-Options: never}}",
        "web.yml:1: http_server_config.headers.X-Frame-Options: is no known value; choose one of deny, sameorigin",
    ),
    (
        'http_server_config: {headers: {Content-Security-Policy: "a\\r\\nSet-Cookie: b"}}',
        (
            "web.yml:1: http_server_config.headers.Content-Security-Policy: holds what no header can carry; "
            "write printable ASCII"
        ),
    ),
    (
        "basic_auth_users:\n  alice: hunter2\n",
        "web.yml:2: basic_auth_users.alice: is no bcrypt hash; make one with: htpasswd -nBC 10 USER",
    ),
    (
        "basic_auth_users:\n  alice:\n",
        "web.yml:2: basic_auth_users.alice: is no bcrypt hash; make one with: htpasswd -nBC 10 USER",
    ),
    (
        'basic_auth_users: {"a:b": x}',
        "web.yml:1: basic_auth_users.a:b: holds a colon, which ends a user name in basic auth; choose another name",
    ),
    (
        'basic_auth_users: {"a\\nb": x}',
        "web.yml:1: basic_auth_users.a?b: is no bcrypt hash; make one with: htpasswd -nBC 10 USER",
    ),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_each_mistake_is_one_line_with_the_mend(text, says):
    """The line, the key, what is wrong and what to do; never what was written as a password or a key."""
    said = complaint(text)

    assert says == said
    assert "hunter2" not in said


def test_an_unknown_suite_is_answered_with_those_that_are_known():
    """The names can be copied from the message."""
    said = complaint(TLS + ", cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}")

    assert said.startswith("web.yml:1: tls_server_config.cipher_suites: names an unknown suite; choose from TLS_AES_")
    assert "RC4" not in said


@pytest.mark.parametrize(
    "hashed", [HASH.replace("10$", "32$"), HASH.replace("$2y", "$2x"), HASH[:-1], "z" + HASH, "$2y$10$" + "z" * 53]
)
def test_what_bcrypt_could_not_check_is_no_hash(hashed):
    """It is refused when the file is read, not when the user comes."""
    assert "is no bcrypt hash" in complaint(f"basic_auth_users: {{alice: {hashed}}}")
