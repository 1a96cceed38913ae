import pytest

from reconciler.github.client import Client
from reconciler.github.event import Run
from tests.github.standin import github

ALL = dict.fromkeys(("deployments", "issues", "pull-requests", "statuses"), "write")


@pytest.fixture
def gh():
    with github() as standin:
        yield standin


@pytest.fixture
def client(gh):
    """Makes a client with the permissions named, or with all."""
    made = []

    def make(permissions=ALL, login="github-actions[bot]", token=None):
        run = Run(
            repository=gh.repository,
            server="https://github.com",
            api=gh.url,
            event="push",
            commit="0" * 40,
            url="https://github.com/acme/apis/actions/runs/77",
        )
        made.append(Client(run, token or gh.token(permissions, login)))
        return made[-1]

    yield make
    for each in made:
        each.close()
