"""Which codes the source can emit, found by reading it: wherever something that carries a code is made, what stands in the code's
place is followed to its constants, through variables, tables and parameters.

What cannot be followed is an entry in `PASSED_ON`, with its reason: a code that is made elsewhere, or one of AWS's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.model.change import Disposition
from tests.messages.passed_on import NAMED, NO_CODES, PASSED_ON

ROOT = Path(__file__).parent.parent.parent
CODE = re.compile(r"[A-Z][a-z]+\w*")
Slot = tuple[int | None, str]
"""Where a callable takes the code: by position, by name."""
SEEDS: dict[str, tuple[Slot, ...]] = {
    "Problem": ((4, "code"),),
    "Refusal": ((None, "code"),),
    "Check": ((None, "code"),),
    "Cause": ((None, "code"),),
    "Unknown": ((0, "code"),),
    "Finding": ((1, "code"),),
    "BadArchive": ((1, "code"),),
    "_Unusable": ((0, "code"),),
    "Unusable": ((0, "code"),),
    "_Refused": ((1, "code"),),
    "Condition": ((None, "type"), (None, "reason")),
    "Line": ((1, "code"),),
    "Again": ((None, "code"),),
    "replace": ((None, "code"),),
}
Function = ast.FunctionDef | ast.Lambda


@dataclass
class Module:
    name: str
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    """Names that it imports, with the file that they come from."""

    def __post_init__(self) -> None:
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                folder = node.module.replace(".", "/")
                for alias in node.names:
                    inside = f"{folder}/{alias.name}.py"
                    self.imports[alias.asname or alias.name] = inside if (ROOT / inside).is_file() else f"{folder}.py"

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self.parents:
            node = self.parents[node]
            yield node

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        return next((n for n in self.around(node) if isinstance(n, ast.FunctionDef)), None)


def modules() -> list[Module]:
    files = [
        *ROOT.glob("reconciler/**/*.py"),
        *(p for f in ("synth", "wake", "reconcile") for p in ROOT.glob(f"handlers/{f}/*.py")),
    ]
    return [Module(str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in sorted(files)]


class Emitted:
    """`codes`: each with the places that emit it. `stray`: places whose code nobody could follow."""

    def __init__(self) -> None:
        self.modules = modules()
        self.codes: dict[str, set[str]] = {}
        self.stray: set[tuple[str, str]] = set()
        self.used: set[tuple[str, str]] = set()
        self.slots: dict[tuple[str | None, str], tuple[Slot, ...]] = {
            (None, name): slots for name, slots in SEEDS.items()
        }
        for error in self._errors():
            self.slots[None, error] = ((None, "code"),)
        while self._round():
            pass
        self._add({str(one).capitalize() for one in Disposition}, "a Disposition")
        for module, name in NAMED:
            tree = next(m.tree for m in self.modules if m.name == module)
            self._add(_constants(_definition(tree, name)), f"{module}: {name}")

    def _errors(self) -> set[str]:
        """Classes of errors: the name of each is its code."""
        bases = {"ReconcilerError"}
        classes = [(m, n) for m in self.modules for n in ast.walk(m.tree) if isinstance(n, ast.ClassDef)]
        for _ in range(5):
            bases |= {n.name for _, n in classes if any(isinstance(b, ast.Name) and b.id in bases for b in n.bases)}
        for module, node in classes:
            if node.name in bases - {"ReconcilerError"}:
                self._add({node.name}, module.name)
        return bases

    def _round(self) -> bool:
        """Whether another function turned out to hand a parameter of its own on as a code."""
        before = len(self.slots)
        self.stray.clear()
        for module in self.modules:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call):
                    for expression in self._given(module, node):
                        self._follow(module, expression)
                if module.name.endswith("report/conditions.py") and isinstance(node, ast.Tuple) and len(node.elts) == 4:
                    self._follow(module, node.elts[0])
                    self._follow(module, node.elts[2])
        return len(self.slots) > before

    def _given(self, module: Module, call: ast.Call) -> Iterator[ast.expr]:
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        for place, keyword in self._slots(module, call, name):
            found = [k.value for k in call.keywords if k.arg == keyword]
            if place is not None and place < len(call.args):
                found.append(call.args[place])
            yield from found

    def _slots(self, module: Module, call: ast.Call, name: str) -> tuple[Slot, ...]:
        """Of what is called: one of ours, a function of this module, or one that it imports."""
        if found := self.slots.get((None, name)) or self.slots.get((module.name, name)):
            return found
        source = module.imports.get(name) or module.imports.get(getattr(getattr(call.func, "value", None), "id", ""))
        return self.slots.get((source, name), ()) if source else ()

    def _follow(self, module: Module, node: ast.expr) -> None:
        where = (module.name, ast.unparse(node))
        if where in PASSED_ON:
            self.used.add(where)
            return
        match node:
            case ast.Constant(value=str(text)):
                self._add({text} - {""}, module.name)
            case ast.Constant(value=None):
                return
            case ast.IfExp():
                self._follow(module, node.body)
                self._follow(module, node.orelse)
            case ast.BoolOp():
                for value in node.values:
                    self._follow(module, value)
            case ast.Name():
                self._name(module, node, where)
            case _:
                self.stray.add(where)

    def _name(self, module: Module, node: ast.Name, where: tuple[str, str]) -> None:
        function = module.function(node)
        while function:
            names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
            keywords = [a.arg for a in function.args.kwonlyargs]
            if node.id in names or node.id in keywords:
                shift = 1 if names[:1] == ["self"] else 0
                place = names.index(node.id) - shift if node.id in names else None
                if function.name != "__init__":
                    self.slots.setdefault((module.name, function.name), ((place, node.id),))
                for default in _defaults(function, node.id):
                    self._follow(module, default)
                return
            if found := list(_assigned(function, node.id)):
                for value in found:
                    self._follow(module, value)
                return
            function = module.function(function)
        if found := list(_assigned(module.tree, node.id)):
            for value in found:
                self._follow(module, value)
            return
        self.stray.add(where)

    def _add(self, codes: set[str], place: str) -> None:
        for code in codes:
            self.codes.setdefault(code, set()).add(place)


def _defaults(function: ast.FunctionDef, name: str) -> Iterator[ast.expr]:
    positional = [*function.args.posonlyargs, *function.args.args]
    pairs = zip(reversed(positional), reversed(function.args.defaults), strict=False)
    yield from (default for argument, default in pairs if argument.arg == name)
    keyword = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    yield from (default for argument, default in keyword if argument.arg == name and default)


def _assigned(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    """What is put into a variable of this scope; of tuples, the part that it gets."""
    for node in ast.walk(scope):
        if isinstance(node, (ast.FunctionDef,)) and node is not scope and isinstance(scope, ast.Module):
            continue
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, (ast.AnnAssign, ast.NamedExpr))
            else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and target.id == name and node.value is not None:
                yield node.value
            if isinstance(target, ast.Tuple):
                for place, part in enumerate(target.elts):
                    if isinstance(part, ast.Name) and part.id == name:
                        yield from _parts(node.value, place)


def _parts(value: ast.expr, place: int) -> Iterator[ast.expr]:
    match value:
        case ast.Tuple():
            yield value.elts[place]
        case ast.IfExp():
            yield from _parts(value.body, place)
            yield from _parts(value.orelse, place)
        case _:
            yield ast.Subscript(value=value, slice=ast.Constant(value=place), ctx=ast.Load())


def _definition(tree: ast.Module, name: str) -> ast.AST:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return node
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return node
    raise AssertionError(f"there is no {name} any more")


def _constants(node: ast.AST) -> set[str]:
    texts = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return {text for text in texts if CODE.fullmatch(text)} - NO_CODES
