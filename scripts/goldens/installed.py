"""Code of installed packages at their pinned versions, without what the packages around it would import."""

import __future__

import ast
import sys
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parent


def pinned(file='requirements.txt'):
    """{distribution: version} of a list of requirements."""
    lines = (FOLDER / file).read_text().splitlines()
    return dict(line.split('==') for line in lines if '==' in line)


def checked(*names, file='requirements.txt'):
    """{distribution: version}, which are those of the list."""
    wanted = pinned(file)
    for name in names:
        found = distribution(name).version
        if found != wanted[name]:
            raise SystemExit(f'expected {name} {wanted[name]}, found {found}: install what {file} says')
    return {name: wanted[name] for name in names}


def shell(name, of):
    """A package of the distribution `of` whose own code is not run; its modules are found where they are."""
    package = ModuleType(name)
    package.__path__ = [str(distribution(of).locate_file(name.replace('.', '/')))]
    sys.modules[name] = package
    return package


def functions(of, path, names, namespace):
    """[function] of a file of the distribution `of`, that need no more of the file's imports than `namespace`; methods too."""
    source = Path(distribution(of).locate_file(path))
    found = {node.name: node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.FunctionDef)}
    body = [found[name] for name in names]
    for node in body:
        node.decorator_list = []
    # Annotations stay text: they name types that nothing else needs.
    exec(compile(ast.Module(body, []), str(source), 'exec', flags=__future__.annotations.compiler_flag), namespace)
    return [namespace[name] for name in names]
