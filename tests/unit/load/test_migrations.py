"""The folder of migrations: what is taken from it, and what is refused."""

import pytest


def write(project, **files: str) -> None:
    for name, text in files.items():
        (project.root / "handlers/api/migrations" / f"{name}.sql").write_text(text, encoding="utf-8")


def test_migrations_come_in_the_order_of_their_numbers_and_nothing_else_is_one(project):
    write(project, **{"0002_b": "two", "0010_c": "three", "0001_z": "one"})
    (project.root / "handlers/api/migrations/README.md").write_text("about")
    found = project.load(project.example).migrations
    assert [(m.name, m.sql) for m in found] == [("0001_z.sql", "one"), ("0002_b.sql", "two"), ("0010_c.sql", "three")]
    assert (
        project.load(project.example.replace("migrations: handlers/api/migrations", "migrations: null")).migrations
        == ()
    )


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"first": "x"},
            '"first.sql" in handlers/api/migrations is not named as migrations are: 0007_what_it_does.sql',
        ),
        ({"0001_a": "x", "0001_b": "y"}, "handlers/api/migrations has more than one migration with the number 0001"),
        (
            {"0001_a": "x" * 150_000, "0002_b": "y" * 60_000},
            "the migrations in handlers/api/migrations are 210004 bytes together; 200000 is the most: load data by other means",
        ),
    ],
)
def test_what_could_not_be_applied_is_refused(project, files, told):
    write(project, **files)
    project.write(project.example)
    assert project.problems() == [f"desired_state/orders.yaml:25:17: spec.database.migrations: {told}"]


def test_what_is_no_text_is_refused(project):
    (project.root / "handlers/api/migrations/0001_a.sql").write_bytes(b"\xff\xfe")
    project.write(project.example)
    assert project.problems()[0].endswith('"0001_a.sql" in handlers/api/migrations cannot be read: not UTF-8')
