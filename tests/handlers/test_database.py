"""The connection finds the database's role, notices when it changes, and comes back."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from tests.handlers.gateway import Client
from tests.handlers.postgres import environment, reader, writer


@pytest.fixture
def east(service, orders):
    yield from client(service, "us-east-1")


@pytest.fixture
def west(service, orders):
    yield from client(service, "eu-west-1")


def client(service, region):
    found = Client(service, environment(region))
    yield found
    found.database.drop()


def later(service, monkeypatch, seconds=30.1):
    """The clock that caches go by."""
    real = time.monotonic
    monkeypatch.setattr(service.database.time, "monotonic", lambda: real() + seconds)


def opened(service, monkeypatch) -> list[str]:
    """The names of the endpoints that are dialled from now on."""
    names, connect = [], service.rds.connect

    def noted(place, *rest, **more):
        names.append(place.host)
        return connect(place, *rest, **more)

    monkeypatch.setattr(service.rds, "connect", noted)
    return names


def test_each_region_finds_its_role_and_keeps_one_connection(east, west, service, monkeypatch):
    dialled = opened(service, monkeypatch)
    for _ in range(3):
        assert east("GET", "/orders").status == west("GET", "/orders").status == 200
    assert (east.database.role, west.database.role) == ("writer", "reader")
    assert dialled == [writer("us-east-1"), writer("eu-west-1"), reader("eu-west-1")]


def test_session_at_a_reader_asks_for_session_consistency(east, west):
    mode = "SELECT current_setting('apg_write_forward.consistency_mode', true)"
    deadline = time.perf_counter() + 4
    assert west.database.run(mode, deadline=deadline) == [["session"]]
    assert east.database.run(mode, deadline=deadline) in ([[None]], [[""]])


def test_settings_of_a_session(east):
    deadline = time.perf_counter() + 4
    names = ("statement_timeout", "timezone", "application_name", "role")
    shown = "SELECT current_user, " + ", ".join(f"current_setting('{name}')" for name in names)
    assert east.database.run(shown, deadline=deadline) == [["app", "3s", "UTC", "api", "none"]]


def test_a_write_at_a_reader_that_does_not_forward_ends_as_503(west, capsys):
    """25006, looked again, still a reader, until the time is up."""
    began = time.perf_counter()
    refused = west.make(str(uuid4()))
    assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
    assert 3 < time.perf_counter() - began < 20
    assert '"reason": "25006 cannot execute ' in capsys.readouterr().out


def test_role_is_looked_at_again_after_a_while_and_the_connection_kept(east, west, service, monkeypatch):
    for ask in (east, west):
        ask("GET", "/orders")
    dialled = opened(service, monkeypatch)
    kept = [ask.database._session.link for ask in (east, west)]
    later(service, monkeypatch)
    for _ in range(2):
        assert east("GET", "/orders").status == west("GET", "/orders").status == 200
    assert [ask.database._session.link for ask in (east, west)] == kept
    assert dialled == [writer("eu-west-1")], "a reader asks whether there is a writer by now; once"


def test_old_writer_becomes_a_reader_and_the_other_way_round(moving, east, west, service, monkeypatch):
    made = east.make(str(uuid4())).content
    west("GET", "/orders")
    moving.switch_over()
    moved = west.make(str(uuid4()))
    assert moved.status == 201, "the standby that was promoted under an open connection takes writes"
    later(service, monkeypatch)
    assert west("GET", f"/orders/{made['id']}").content == made
    assert west.database.role == "writer"
    moving.network.names[reader("us-east-1")] = moving.doors[1].port  # as if the old writer followed by now
    moving.network.names[writer("us-east-1")] = moving.doors[1].port
    assert east("GET", f"/orders/{moved.content['id']}").status == 200


def test_a_session_that_the_server_ends_is_replaced(east, orders):
    assert east.make(str(uuid4())).status == 201
    orders.east.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'api'")
    assert east.make(str(uuid4())).status == 201


def test_a_connection_that_breaks_is_replaced(east):
    """As after a freeze: the function wakes up, and the other side is gone."""
    assert east.make(str(uuid4())).status == 201
    east.database._session.link.socket.close()
    assert east.make(str(uuid4())).status == 201


def test_a_statement_that_hangs_ends_in_time(east, service, monkeypatch):
    began = time.perf_counter()
    with pytest.raises(service.database.Unavailable):
        east.database.run("SELECT pg_sleep(:n)", deadline=began + 0.5, n=60)
    assert time.perf_counter() - began < 30
    monkeypatch.setitem(service.database.SETTINGS, "statement_timeout", "100")
    east.database.drop()
    with pytest.raises(service.database.Unavailable, match="took too long"):
        east.database.run("SELECT pg_sleep(:n)", deadline=time.perf_counter() + 4, n=5)


def test_reads_go_on_while_nobody_writes(moving, east, west):
    made = east.make(str(uuid4())).content
    moving.caught_up()
    found = []

    def look() -> None:
        found.append(west("GET", f"/orders/{made['id']}").status)
        found.append(east("GET", "/").status)

    moving.switch_over(between=look)
    assert found == [200, 200]


def test_why_a_change_was_refused_is_asked_where_it_was_refused(west, service):
    """A read that locks is none for a standby: Aurora forwards it; here it is refused."""
    with pytest.raises(service.database.Unavailable, match=r"25006 cannot execute SELECT FOR KEY SHARE"):
        west.database.run(service.sql.READ_ORDER_AT_WRITER, deadline=time.perf_counter() + 0.3, id=str(uuid4()))


def test_retries_stop_when_the_time_is_up(service):
    database = service.database.Database(
        {**environment("eu-west-1"), "DB_WRITER": "a.rds.amazonaws.com", "DB_READER": "b.rds.amazonaws.com"}
    )
    began = time.perf_counter()
    with pytest.raises(service.database.Unavailable):
        database.run("SELECT 1", deadline=began + 0.3)
    assert time.perf_counter() - began < 10


def test_other_errors_are_not_tried_again(east, service, monkeypatch):
    tries = []
    run = service.database.Session.run
    monkeypatch.setattr(service.database.Session, "run", lambda *a, **m: tries.append(a[1]) or run(*a, **m))
    with pytest.raises(service.rds.DatabaseError):
        east.database.run("SELECT missing", deadline=time.perf_counter() + 4)
    assert tries.count("SELECT missing") == 1


@pytest.mark.parametrize(
    ("state", "tried_again"),
    [
        *[(state, True) for state in ("25006", "57P01", "57P03", "08006", "53300", "28000", "40001")],
        *[(state, False) for state in ("42P01", "23505", "22P02", "0A000")],
    ],
)
def test_which_errors_pass(state, tried_again, east, service, monkeypatch):
    refusals = [service.rds.DatabaseError({"C": state, "M": "as it happens"})]
    connect = service.rds.connect

    def refusing(*asked, **more):
        if refusals:
            raise refusals.pop()
        return connect(*asked, **more)

    def asked():
        return east.database.run("SELECT 1", deadline=time.perf_counter() + 4)

    monkeypatch.setattr(service.rds, "connect", refusing)
    refusals *= 2  # at the writer's endpoint and at the reader's
    if tried_again:
        assert asked() == [[1]]
    else:
        with pytest.raises(service.rds.DatabaseError):
            asked()
    assert not refusals
