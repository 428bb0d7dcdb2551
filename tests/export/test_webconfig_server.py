"""The exporter behind TLS and passwords: who comes in, and what happens when the files change."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess

import bcrypt
import httpx
import pytest
import uvloop

from pdwatch.export.app import create_app
from pdwatch.export.guard import protection
from pdwatch.export.hub import SnapshotHub
from pdwatch.export.passwords import Passwords, basic_credentials
from pdwatch.export.websection import WebConfigError

RIGHT = "correct horse, battery: staple"
COST = 4
PATHS = [route.path for route in create_app(SnapshotHub()).routes]


def hash_of(password):
    """A hash as htpasswd makes it, as cheap as may be."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode().replace("$2b$", "$2y$")


ALICE = f"basic_auth_users:\n  alice: {hash_of(RIGHT)}\n"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
MUTUAL = f"{TLS}  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"


def put(path, content):
    """Write a file in one step."""
    fresh = path.with_name("fresh.tmp")
    fresh.write_text(content)
    return fresh.replace(path)


def renew(authority, folder, name):
    """Put a new pair into the place of the old one; between the steps it does not fit together."""
    certificate, key = authority.issue(name, folder)
    certificate.replace(folder / "server.pem")
    key.replace(folder / "server.key")


@pytest.fixture
def folder(tmp_path, authority):
    """A folder with a server's certificate and key, and the certificate of the authority."""
    authority.issue("server", tmp_path)
    shutil.copy(authority.certificate, tmp_path / "ca.pem")
    return tmp_path


@pytest.fixture
def web_file(folder):
    """A file with TLS and a user."""
    return put(folder / "web.yml", TLS + ALICE)


@pytest.fixture
def trust(authority):
    """What a client trusts; *pair* is its own certificate."""

    def context(pair=None):
        made = ssl.create_default_context(cafile=str(authority.certificate))
        if pair is not None:
            made.load_cert_chain(*pair)
        return made

    return context


def get(site, verify=False, path="-/healthy", **named):
    """One request over a connection of its own."""
    with httpx.Client(verify=verify, trust_env=False, timeout=20) as client:
        return client.get(f"{site.server.url}{path}", **named)


def served_name(site, context):
    """The common name of the certificate that a new connection is shown."""
    with (
        socket.create_connection(("127.0.0.1", site.server.port), 20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return dict(pair for (pair,) in secure.getpeercert()["subject"])["commonName"]


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_https_on_both_event_loops(open_site, web_file, trust, new_loop):
    """The certificate is verified, the user comes in, and the address that is told says https."""
    site = open_site(web=web_file, new_loop=new_loop)
    answer = get(site, trust(), auth=("alice", RIGHT))

    assert (200, "pdwatch is healthy.\n") == (answer.status_code, answer.text)
    assert f"https://127.0.0.1:{site.server.port}/" == site.server.url
    assert [] == site.told


def test_without_a_file_nobody_is_asked(site):
    """Plain HTTP on loopback stays as simple as it is."""
    assert 200 == get(site).status_code


def test_every_path_asks_for_the_password(open_site, web_file):
    """Health, readiness, reload and even what is not there: all as with the exporter-toolkit."""
    site = open_site(web=web_file)
    paths = [*PATHS, "/no/such/path"]
    answers = [get(site, path=path.removeprefix("/")) for path in paths]

    assert dict.fromkeys(paths, 401) == {path: answer.status_code for path, answer in zip(paths, answers, strict=True)}
    assert {'Basic realm="pdwatch", charset="UTF-8"'} == {answer.headers["www-authenticate"] for answer in answers}
    assert {"pdwatch asks for a user name and a password; send them as HTTP basic auth.\n"} == {
        answer.text for answer in answers
    }


WRONG = [("alice", "wrong"), ("alice", ""), ("bob", RIGHT), ("", ""), ("alice", f"{RIGHT}\0"), ("alice", "x" * 4000)]
NO_BASIC_AUTH = ["", "Basic", "Basic !", "Basic YWxpY2U=", "Bearer YWxpY2U6eA==", "Basic /////w=="]


def test_wrong_credentials_are_refused(open_site, web_file):
    """The refusal is the same for a wrong password, an unknown user and what is no basic auth at all."""
    site = open_site(web=web_file)
    answers = [get(site, auth=auth) for auth in WRONG]
    answers += [get(site, headers={"Authorization": value}) for value in NO_BASIC_AUTH]

    assert [401] * 12 == [answer.status_code for answer in answers]
    assert {get(site).text} == {answer.text for answer in answers}


def test_headers_are_on_every_answer(open_site, folder):
    """On refusals and missing pages too, and in place of pdwatch's own; nothing else changes."""
    headers = "http_server_config:\n  headers: {X-Frame-Options: deny, Content-Security-Policy: default-src 'none'}\n"
    site = open_site(web=put(folder / "web.yml", headers + ALICE))
    answers = [get(site), get(site, auth=("alice", RIGHT), path="x"), get(site, auth=("alice", RIGHT), path="")]

    assert [401, 404, 200] == [answer.status_code for answer in answers]
    assert [["deny"]] * 3 == [answer.headers.get_list("x-frame-options") for answer in answers]
    assert [["default-src 'none'"]] * 3 == [answer.headers.get_list("content-security-policy") for answer in answers]


def test_http2_is_told_to_have_no_effect(open_site, folder):
    """Once, at the start; http2: false says what is the case."""
    loud = open_site(web=put(folder / "web.yml", "http_server_config: {http2: true}\n"))
    quiet = open_site(web=put(folder / "other.yml", "http_server_config: {http2: false}\n"))
    get(loud)

    assert ([f"{folder}/web.yml: http2: true has no effect, pdwatch speaks HTTP/1.1"], []) == (loud.told, quiet.told)


def test_plain_http_to_a_tls_port_gets_nothing(open_site, web_file):
    """No page leaves unencrypted."""
    site = open_site(web=web_file)

    with pytest.raises(httpx.TransportError):
        httpx.get(site.server.url.replace("https", "http"), trust_env=False, timeout=20)


def test_clients_show_a_certificate_of_the_authority(open_site, folder, authority, new_authority, trust):
    """One that the authority has signed comes in; none, or a stranger's, is turned away."""
    site = open_site(web=put(folder / "web.yml", MUTUAL))
    stranger = new_authority().issue("stranger", folder)
    refused = (httpx.TransportError, ssl.SSLError)

    assert 200 == get(site, trust(authority.issue("client", folder))).status_code
    with pytest.raises(refused):
        get(site, trust())
    with pytest.raises(refused):
        get(site, trust(stranger))


def test_certificates_if_given(open_site, folder, authority, new_authority, trust):
    """A client without one comes in, a stranger's is turned away all the same."""
    site = open_site(
        web=put(folder / "web.yml", MUTUAL.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"))
    )

    assert [200, 200] == [
        get(site, context).status_code for context in (trust(), trust(authority.issue("client", folder)))
    ]
    with pytest.raises((httpx.TransportError, ssl.SSLError)):
        get(site, trust(new_authority().issue("stranger", folder)))


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ("min_version: TLS13", ("TLSv1.3", None)),
        ("max_version: TLS12", ("TLSv1.2", None)),
        (
            "max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
            ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ),
    ],
)
def test_versions_and_suites_are_kept(open_site, folder, trust, settings, seen):
    """What is spoken is what was asked for."""
    site = open_site(web=put(folder / "web.yml", f"{TLS}  {settings}\n"))
    with (
        socket.create_connection(("127.0.0.1", site.server.port), 20) as plain,
        trust().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        version, suite = secure.version(), secure.cipher()[0]

    assert seen == (version, suite if seen[1] else None)


def test_a_renewed_certificate_is_shown_without_a_restart(open_site, web_file, folder, authority, trust):
    """Open connections go on; new ones see the new certificate; it is told once."""
    site = open_site(web=web_file)
    with httpx.Client(verify=trust(), trust_env=False, timeout=20, auth=("alice", RIGHT)) as client:
        before = served_name(site, trust())
        first = client.get(f"{site.server.url}-/healthy").status_code
        renew(authority, folder, "renewed")
        after = [served_name(site, trust()) for _ in range(2)]
        second = client.get(f"{site.server.url}-/healthy").status_code

    assert ("server", ["renewed", "renewed"]) == (before, after)
    assert (200, 200) == (first, second)
    assert [f"{folder}/web.yml: web configuration read again"] == site.told


def test_half_a_renewal_keeps_the_old_certificate(open_site, web_file, folder, authority, trust):
    """A key that does not fit yet is told once; the pair is taken when it is whole."""
    site = open_site(web=web_file)
    certificate, key = authority.issue("renewed", folder)
    certificate.replace(folder / "server.pem")
    half = [served_name(site, trust()) for _ in range(3)]
    told = list(site.told)
    key.replace(folder / "server.key")
    whole = served_name(site, trust())

    assert (["server"] * 3, "renewed") == (half, whole)
    assert [
        (
            f"kept the old web configuration: {folder}/web.yml:3: tls_server_config.key_file: {folder}/server.key "
            f"does not belong to the certificate in {folder}/server.pem; give the key that it was made with"
        )
    ] == told
    assert [*told, f"{folder}/web.yml: web configuration read again"] == site.told


def test_a_new_authority_of_clients_holds_from_the_next_connection(open_site, folder, authority, new_authority, trust):
    """Clients of the old one stay outside."""
    site = open_site(web=put(folder / "web.yml", MUTUAL))
    other = new_authority()
    old, new = trust(authority.issue("old", folder)), trust(other.issue("new", folder))
    before = get(site, old).status_code
    put(folder / "ca.pem", other.certificate.read_text())

    assert (200, 200) == (before, get(site, new).status_code)
    with pytest.raises((httpx.TransportError, ssl.SSLError)):
        get(site, old)


def test_users_change_without_a_restart(open_site, web_file, trust):
    """A new password holds from the next request, on open connections too; the old one ends."""
    site = open_site(web=web_file)
    with httpx.Client(verify=trust(), trust_env=False, timeout=20) as client:
        ask = [client.get(f"{site.server.url}-/healthy", auth=("alice", word)).status_code for word in (RIGHT, "new")]
        put(web_file, f"{TLS}basic_auth_users: {{alice: {hash_of('new')}}}\n")
        again = [client.get(f"{site.server.url}-/healthy", auth=("alice", word)).status_code for word in (RIGHT, "new")]

    assert ([200, 401], [401, 200]) == (ask, again)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("basic_auth_user: {}\n", "web.yml:1: basic_auth_user: is no known key; did you mean basic_auth_users?"),
        (
            ALICE,
            "web.yml: tls_server_config: TLS cannot be switched on or off while pdwatch runs; start pdwatch again",
        ),
    ],
    ids=["unknown key", "without TLS"],
)
def test_a_bad_file_leaves_the_last_good_one_and_is_told_once(open_site, web_file, content, says):
    """The door stays shut as it was, however often somebody knocks."""
    site = open_site(web=web_file)
    put(web_file, content)
    statuses = [get(site).status_code, get(site, auth=("alice", RIGHT)).status_code, get(site).status_code]
    told = list(site.told)
    put(web_file, TLS + ALICE)
    statuses.append(get(site, auth=("alice", RIGHT)).status_code)

    assert [401, 200, 401, 200] == statuses
    assert [f"kept the old web configuration: {web_file.parent}/{says}"] == told
    assert [f"{web_file}: web configuration read again"] == site.told[1:]


def test_a_file_that_vanishes_leaves_the_last_good_one(open_site, web_file):
    """A folder that is remounted opens no door."""
    site = open_site(web=web_file)
    web_file.unlink()

    assert [401, 200] == [get(site).status_code, get(site, auth=("alice", RIGHT)).status_code]
    assert [
        (
            f"kept the old web configuration: {web_file}: cannot be read (No such file or directory); "
            "name a file that pdwatch may read with --web.config.file"
        )
    ] == site.told


def spoil(folder, name, content):
    """Overwrite a file, or remove it where *content* is None."""
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)


LIKE_A_PAIR = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "web.yml",
            None,
            "web.yml: cannot be read (No such file or directory); name a file that pdwatch may read with",
        ),
        ("web.yml", b"\xff", "web.yml: is not UTF-8; save it as UTF-8 text"),
        (
            "server.pem",
            None,
            "web.yml:2: tls_server_config.cert_file: {}/server.pem cannot be read (No such file or directory); name a",
        ),
        (
            "server.pem",
            b"",
            "web.yml:2: tls_server_config.cert_file: {}/server.pem holds no certificate; give it in PEM",
        ),
        (
            "server.key",
            b"x",
            "web.yml:3: tls_server_config.key_file: {}/server.key holds no private key; give it in PEM",
        ),
        (
            "server.pem",
            LIKE_A_PAIR,
            "web.yml:2: tls_server_config.cert_file: {0}/server.pem and {0}/server.key cannot be used (",
        ),
        ("ca.pem", b"x", "web.yml:4: tls_server_config.client_ca_file: {}/ca.pem holds no certificate; give it in PEM"),
        ("ca.pem", LIKE_A_PAIR, "web.yml:4: tls_server_config.client_ca_file: {}/ca.pem cannot be used ("),
    ],
)
def test_bad_files_at_the_start(folder, name, content, says):
    """Each is one line with the place, the file and the mend."""
    put(folder / "web.yml", MUTUAL)
    spoil(folder, name, content)
    with pytest.raises(WebConfigError) as caught:
        protection(folder / "web.yml", print)

    assert str(caught.value).startswith(f"{folder}/{says.format(folder)}")
    assert "\n" not in str(caught.value)


def test_an_encrypted_key_never_asks_on_the_terminal(folder):
    """A service has nobody who could type a passphrase."""
    command = [
        "openssl",
        "pkcs8",
        "-topk8",
        "-v2",
        "aes256",
        "-passout",
        "pass:hunter2",
        "-in",
        "server.key",
        "-out",
        "e",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=60)
    (folder / "e").replace(folder / "server.key")
    says = f"tls_server_config.key_file: {folder}/server.key is encrypted; give a key without a passphrase$"

    with pytest.raises(WebConfigError, match=says):
        protection(put(folder / "web.yml", TLS), print)


def test_curl_comes_in(open_site, folder, authority):
    """The client that everybody has, with a client's certificate and a password."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    site = open_site(web=put(folder / "web.yml", MUTUAL + ALICE))
    certificate, key = authority.issue("client", folder)
    common = [curl, "--silent", "--noproxy", "*", "--cacert", str(authority.certificate), "--max-time", "20"]
    ask = [*common, "--cert", str(certificate), "--key", str(key), "--user", f"alice:{RIGHT}"]

    def run(command):
        return subprocess.run([*command, f"{site.server.url}-/healthy"], capture_output=True, timeout=60, check=False)

    known, stranger = run(ask), run(common)

    assert (0, b"pdwatch is healthy.\n") == (known.returncode, known.stdout)
    assert (True, b"") == (stranger.returncode != 0, stranger.stdout)


def test_promtool_takes_the_same_file(web_file):
    """A file of pdwatch is a file of the exporter-toolkit."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    command = [promtool, "check", "web-config", web_file.name]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=web_file.parent)

    assert (0, "web.yml SUCCESS\n") == (checked.returncode, checked.stdout + checked.stderr)


@pytest.fixture
def counted(monkeypatch):
    """The hashes that bcrypt was asked about, in order."""
    hashes = []
    check = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, hashed: hashes.append(hashed) or check(password, hashed))
    return hashes


def header(user, password):
    """The value of an Authorization header."""
    return httpx.BasicAuth(user, password)._auth_header


def admitted(passwords, *headers):
    """Whether each header comes in, one after the other."""

    async def ask():
        return [await passwords.admits(value) for value in headers]

    return asyncio.run(ask())


def test_a_right_password_is_hashed_once(counted):
    """A scrape each second must not cost a bcrypt each second."""
    passwords = Passwords({"alice": hash_of(RIGHT)})

    assert [True, True, True] == admitted(passwords, *[header("alice", RIGHT)] * 3)
    assert 1 == len(counted)


def test_scrapes_that_come_together_hash_once(counted):
    """All wait for the first."""
    passwords = Passwords({"alice": hash_of(RIGHT)})

    async def together():
        return await asyncio.gather(*(passwords.admits(header("alice", RIGHT)) for _ in range(5)))

    assert [True] * 5 == asyncio.run(together())
    assert 1 == len(counted)


def test_an_unknown_user_costs_what_a_known_one_costs(counted):
    """Each guess is one bcrypt of the strength in use, against the same hash for the same name."""
    hashes = {"alice": hash_of(RIGHT), "bob": hash_of("other")}
    answers = admitted(Passwords(hashes), header("mallory", "x"), header("mallory", "x"), header("alice", "x"))

    assert [False, False, False] == answers
    assert counted[0] == counted[1]
    assert {hashed.encode() for hashed in hashes.values()} >= set(counted)
    assert 3 == len(counted)


def test_a_stand_in_opens_no_door(counted):
    """An unknown user with somebody's right password stays outside."""
    assert [False] == admitted(Passwords({"alice": hash_of(RIGHT)}), header("mallory", RIGHT))
    assert 1 == len(counted)


def test_wrong_passwords_leave_nothing_behind():
    """Memory does not grow with guesses, and what is kept is no password."""
    passwords = Passwords({"alice": hash_of(RIGHT)})
    admitted(passwords, *(header(f"user{n}", "x") for n in range(20)), header("alice", RIGHT))

    assert ["alice"] == list(passwords._proven)
    assert RIGHT not in repr(vars(passwords))


def test_a_long_password_counts_as_far_as_bcrypt_reads():
    """Tools cut at 72 bytes when they make the hash."""
    long = "é" * 50
    passwords = Passwords({"alice": bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(COST)).decode()})

    assert [True, False] == admitted(passwords, header("alice", long), header("alice", "é" * 30))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Basic YTpi", ("a", b"b")),
        ("basic YTpiOmM=", ("a", b"b:c")),
        ("BASIC   Og==", ("", b"")),
        ("Basic w6k6w6k=", ("é", b"\xc3\xa9")),
        ("Basic YQ==", None),
        ("Digest YTpi", None),
    ],
)
def test_credentials_of_a_header(value, expected):
    """RFC 7617: the first colon ends the name."""
    assert expected == basic_credentials(value)
