"""Text that is no YAML, or more of it than anybody needs; and the YAML that works."""

import pytest
import yaml

from reconciler.load import yaml_text

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LADDER = "a0: &a0 [1]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(60))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n\tb: 1\n", "2:1: not valid YAML: a tab; YAML indents with spaces"),
        ("a: b: c\n", "1:5: not valid YAML: mapping values are not allowed in this context"),
        ("a: [1, 2\n", "2:1: not valid YAML: did not find expected ',' or ']'"),
        ("a: 'x\n", "2:1: not valid YAML: found unexpected end of stream"),
        ("a: 1\nb: 2\na: 3\n", '3:1: the key "a" stands here twice, first in line 1; keep one'),
        ("a: !!str 1\n", '1:4: the tag "!!str" is not supported; write the plain value'),
        ("a: !python/object:os.system x\n", ('1:4: the tag "!python/object:os.system" is not supported; '
         "write the plain value")),
        ("? [a]\n: b\n", "1:3: a key must be plain text, without anchor, alias or tag"),
        ("a: *b\n", "1:4: the alias *b has no anchor &b before it"),
        ("a: &a [*a]\n", "1:8: the alias *a has no anchor &a before it"),
        ("a: {<<: 1}\n", "1:9: << merges mappings only; give it an alias of one"),
        ("[" * 100_000, "1:34: nested deeper than 32 levels"),
        (LADDER, "33:6: nested deeper than 32 levels, aliases expanded"),
        (BOMB, "4:4: more than 20000 values in one document, aliases expanded"),
        ("[" + "a, " * 30_000, "1:59999: more than 20000 values in one document, aliases expanded"),
        ("a: &a 1\nb: [" + "*a, " * 101 + "]\n", "2:405: more than 100 aliases in one document; write values out"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(text, problem):
    _, problems = yaml_text.parse("f.yaml", text)

    assert [str(one) for one in problems] == [f"f.yaml:{problem}"]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("off", "off"), ("yes", "yes"), ("true", True), ("False", False), ("~", None), ("", None), ("null", None),
        ("12", 12), ("-3", -3), ("010", 10), ("0x1F", "0x1F"), ("1_000", "1_000"), ("1:30", "1:30"), ("1.5", 1.5),
        ("1e3", 1000.0), (".inf", ".inf"), (".nan", ".nan"), ("1e9999", "1e9999"), ("9" * 5000, "9" * 5000),
        ("2026-12-31", "2026-12-31"), ("'12'", "12"), ('"true"', "true"), ("arn:aws:x", "arn:aws:x"),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema_of_yaml_1_2(scalar, value):
    (document,), problems = yaml_text.parse("f.yaml", f"a: {scalar}\n")

    assert not problems
    assert document.data == {"a": value}
    assert type(document.data["a"]) is type(value)


def test_anchors_aliases_and_merge_keys_work():
    text = "x: &x {p: 1, q: 2}\ny: {<<: *x, q: 3}\nz: {q: 4, <<: [*x, {r: 5}]}\nw: [*x]\n"

    (document,), problems = yaml_text.parse("f.yaml", text)

    assert not problems
    assert document.data["y"] == {"p": 1, "q": 3}
    assert document.data["z"] == {"p": 1, "q": 4, "r": 5}
    assert document.data["w"] == [{"p": 1, "q": 2}]


def test_a_file_holds_several_documents_and_empty_ones_are_nothing():
    documents, problems = yaml_text.parse("f.yaml", "# nothing\n---\n---\na: 1\n...\n---\nb: 2\n")

    assert not problems
    assert [document.data for document in documents] == [{"a": 1}, {"b": 2}]


def test_documents_before_a_break_in_the_text_are_kept():
    documents, problems = yaml_text.parse("f.yaml", "a: 1\n---\nb: [\n")

    assert [document.data for document in documents] == [{"a": 1}]
    assert len(problems) == 1


@pytest.mark.parametrize("text", ["a: {b: [1, {c: x}]}\n", "a: &x [1]\nb: *x\n", "a: 1\na: 2\n"])
def test_the_parser_in_python_reads_the_same_as_the_one_in_c(text, monkeypatch):
    with_c = yaml_text.parse("f.yaml", text)
    monkeypatch.setattr(yaml_text, "_LOADER", yaml.SafeLoader)

    assert yaml_text.parse("f.yaml", text) == with_c


def test_the_parser_in_python_refuses_a_bad_escape(monkeypatch):
    monkeypatch.setattr(yaml_text, "_LOADER", yaml.SafeLoader)

    _, problems = yaml_text.parse("f.yaml", 'a: "\\U00110000"\n')

    assert [problem.code for problem in problems] == ["MalformedYaml"]
