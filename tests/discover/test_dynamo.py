"""Cards that workers of Dynamo 1.6.1 registered, in files and in etcd 3.4, both recorded."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from pdwatch.config.access import BasicAuth
from pdwatch.config.places import DynamoSource
from pdwatch.discover.dynamo import etcd
from pdwatch.discover.dynamo.etcd import EtcdCards
from pdwatch.discover.dynamo.records import is_of, target_of
from pdwatch.discover.dynamo.source import CardFiles, DynamoDiscovery
from pdwatch.discover.source import DiscoveryError, Found
from pdwatch.model.target import Role, RoleSource

PAGES = Path(__file__).parent / "pages"
LOOK = "see whether the URL and the credentials are right"


def found_in_files(folder: Path, **entry: Any) -> Found:
    """Return what there is in a folder of the file backend."""
    return asyncio.run(DynamoDiscovery(DynamoSource(path=folder, **entry), CardFiles(folder)).find())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the recorded folder: a prefill and a decode worker, and a decode worker without a port of its own."""
    return Path(shutil.copytree(PAGES / "dynamo", tmp_path / "kv"))


def card(folder: Path, component: str, part: str = "") -> Path:
    """Return the one card of a component that holds a text."""
    (path,) = (p for p in (folder / "v1/mdc").iterdir() if component in p.name and part in p.read_text())
    return path


def test_workers_in_files(folder: Path) -> None:
    """The page is on the port that serves the model's files; role and model are on the card."""
    found = found_in_files(folder)

    assert [
        ("http://192.0.2.2:27311/metrics", Role.PREFILL, RoleSource.ROUTER, "tiny"),
        ("http://192.0.2.2:27321/metrics", Role.DECODE, RoleSource.ROUTER, "tiny"),
    ] == [(target.url, target.role, target.role_source, target.service) for target in found.targets]
    assert {"dynamo_namespace": "dynamo", "dynamo_component": "prefill", "worker_id": "e173a588c64c0c01"} == dict(
        found.targets[0].labels
    )


def test_a_worker_without_a_port_is_named(folder: Path) -> None:
    """DYN_SYSTEM_PORT is off by default, and then there is no page."""
    assert (
        f"{folder}: dynamo%2Fbackend%2Fgenerate%2F209d16acca52ee86: worker 209d16acca52ee86 of backend "
        "tells no port of its page; set DYN_SYSTEM_PORT for it"
    ) == found_in_files(folder).problem


def test_service_and_namespaces_of_the_entry(folder: Path) -> None:
    """The entry may name the service, and look at some namespaces of Dynamo only."""
    assert {"chat"} == {target.service for target in found_in_files(folder, service="chat").targets}
    assert Found(()) == found_in_files(folder, namespaces=("other",))


def test_a_card_that_is_written_at_the_moment_keeps_its_worker(folder: Path) -> None:
    """Half a card is a problem of this card; the worker stays as it was, one whose card is gone goes."""
    source = DynamoDiscovery(DynamoSource(path=folder), CardFiles(folder))
    asyncio.run(source.find())
    card(folder, "prefill").write_text('{"type":"Mod')
    card(folder, "backend", "27321").unlink()
    found = asyncio.run(source.find())

    assert ["192.0.2.2:27311"] == [target.worker for target in found.targets]
    assert ": is no JSON; see whether this is Dynamo's discovery" in (found.problem or "")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The folder is named, and whose it is."""
    with pytest.raises(DiscoveryError, match="no such folder; name that of DYN_FILE_KV, once a worker has begun"):
        found_in_files(tmp_path)


@asynccontextmanager
async def serving(answer: Callable[[str, Any, Any], Any]) -> AsyncIterator[str]:
    """Serve what looks like etcd's gateway: *answer* gets path, body and headers, and gives JSON or a status."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        given = answer(request.path, await request.json(), request.headers)
        if isinstance(given, tuple):
            return web.json_response(given[1], status=given[0])
        return web.json_response(given)

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def found_in_etcd(answer: Callable[[str, Any, Any], Any], **entry: Any) -> Found | str:
    """Return what there is in etcd, or the error without the URL."""

    async def once() -> Found | str:
        async with serving(answer) as url:
            source = DynamoSource(etcd=url, **entry)
            discovery = DynamoDiscovery(source, EtcdCards(source, url))
            try:
                return await discovery.find()
            except DiscoveryError as error:
                return str(error).removeprefix(url)
            finally:
                await discovery.aclose()

    return asyncio.run(once())


def recorded() -> Any:
    """Return the recorded answer of etcd."""
    return json.loads((PAGES / "etcd_3.4_dynamo_1.6.1_range.json").read_text())


class Etcd:
    """Keys and values that are read as etcd's gateway answers a range."""

    def __init__(self, pairs: dict[bytes, bytes]) -> None:
        self.pairs = pairs
        self.asked = 0

    def answer(self, path: str, body: Any, _: Any) -> Any:
        """Answer `/v3/kv/range`."""
        assert "/v3/kv/range" == path
        self.asked += 1
        first, end = base64.b64decode(body["key"]), base64.b64decode(body["range_end"])
        keys = [key for key in sorted(self.pairs) if first <= key < end]
        kvs = [
            {"key": base64.b64encode(key).decode(), "value": base64.b64encode(self.pairs[key]).decode()}
            for key in keys[: body["limit"]]
        ]
        head = {"header": {"revision": "7"}, "count": str(len(keys))}
        return head | ({"kvs": kvs} if kvs else {}) | ({"more": True} if len(keys) > body["limit"] else {})


def test_workers_in_etcd() -> None:
    """The recorded answer of a real etcd gives the workers as the files do."""
    found = found_in_etcd(lambda *_: recorded())

    assert isinstance(found, Found)
    assert [("192.0.2.2:27411", Role.PREFILL), ("192.0.2.2:27421", Role.DECODE)] == [
        (target.worker, target.role) for target in found.targets
    ]
    assert None is found.problem


def test_many_keys_come_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet larger than one answer is read whole; keys beside the cards are not."""
    monkeypatch.setattr(etcd, "PAGE_KEYS", 2)
    text = base64.b64decode(recorded()["kvs"][0]["value"])
    pairs = {f"v1/mdc/{n}".encode(): text.replace(b"27421", str(27500 + n).encode()) for n in range(5)}
    store = Etcd({**pairs, b"v1/instances/a": b"{}", b"v1/mdd": b"x"})
    found = found_in_etcd(store.answer)

    assert isinstance(found, Found)
    assert 5 == len(found.targets)
    assert 3 == store.asked


def test_no_workers_in_etcd() -> None:
    """An answer without keys is an empty fleet, not an error."""
    assert Found(()) == found_in_etcd(Etcd({}).answer)


def test_a_user_logs_in_for_each_look(tmp_path: Path) -> None:
    """The password goes to the login alone; what it gives goes with the range."""
    (tmp_path / "password").write_text("hunter2\n")
    seen = []

    def answer(path: str, body: Any, headers: Any) -> Any:
        seen.append((path, body.get("password"), headers.get("Authorization")))
        return {"token": "t.1"} if path.endswith("authenticate") else recorded()

    found_in_etcd(answer, basic_auth=BasicAuth(username="watcher", password_file=tmp_path / "password"))

    assert [("/v3/auth/authenticate", "hunter2", None), ("/v3/kv/range", None, "t.1")] == seen


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            (400, {"error": "etcdserver: user name is empty", "code": 3, "message": "etcdserver: user name is empty"}),
            f"/v3/kv/range: answers 400 Bad Request (etcdserver: user name is empty); {LOOK}",
        ),
        ([1], ": answers what is no JSON; name the client URL of etcd"),
        ({"kvs": [{"key": 1}]}, ": answers in a shape that is not etcd's; name the client URL of etcd"),
        ({"kvs": 7}, ": answers in a shape that is not etcd's; name the client URL of etcd"),
    ],
)
def test_a_bad_answer_of_etcd_is_named(answer: Any, problem: str) -> None:
    """Whatever answers, it is one line with the URL."""
    assert problem == found_in_etcd(lambda *_: answer)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["http://a:1/x", "prefill", "http://["]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["path", "card_json", "worker_type", "namespace", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON | st.fixed_dictionaries({"card_json": st.dictionaries(st.text(max_size=3), JSON, max_size=3)}))
def test_any_card_is_a_target_or_one_line(value: Any) -> None:
    """Whatever stands on a card, it leads to a target with a URL or to a `ValueError` of one line."""
    text = json.dumps(value).encode()
    told = ""
    try:
        is_of(text, ("dynamo",))
        url = target_of(text, None, "test").url
    except ValueError as error:
        url, told = "", str(error)

    assert url.endswith("/metrics") or 1 == len(told.splitlines())
