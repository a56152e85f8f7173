"""The text of a program as parts: constants and functions that can be swapped."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from genesis_ch.demo import programs
from genesis_ch.demo.programs import Idea


@dataclass
class Program:
    """A program in parts: constants (name to literal) and functions (name to text), in order."""

    constants: dict[str, str]
    functions: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Program:
        """Take the parts out of a module's text; raises SyntaxError when it is not Python."""
        constants: dict[str, str] = {}
        functions: dict[str, str] = {}
        for node in ast.parse(text).body:
            part = ast.get_source_segment(text, node) or ""
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                constants[node.targets[0].id] = part.partition("=")[2].strip()
            elif isinstance(node, ast.FunctionDef):
                functions[node.name] = part + "\n"
        return cls(constants, functions)

    @classmethod
    def of(cls, *ideas: Idea) -> Program:
        """Put a program together from one idea per function."""
        program = cls({}, {})
        for idea in ideas:
            program.adopt(idea)
        return program

    def copy(self) -> Program:
        """Return a program that can be changed without changing this one."""
        return Program(dict(self.constants), dict(self.functions))

    def adopt(self, idea: Idea) -> None:
        """Replace one function by an idea and add the constants that it needs."""
        self.functions[idea.slot] = idea.source
        for name, literal in idea.constants.items():
            self.constants.setdefault(name, literal)
        if idea.partner:
            self.adopt(idea.partner)

    def uses(self, name: str) -> bool:
        """Whether any function reads the constant."""
        return any(_mentions(text, name) for text in self.functions.values())

    def render(self) -> str:
        """Return the module's text, without the constants and imports that nothing uses."""
        body = "\n\n".join(self.functions[slot] for slot in programs.SLOTS if slot in self.functions)
        constants = "\n".join(f"{name} = {literal}" for name, literal in self.constants.items() if self.uses(name))
        imports = "\n".join(line for line in programs.IMPORTS.splitlines() if _mentions(body, line.split()[1]))
        head = "\n\n".join(part for part in (programs.DOCSTRING, imports, constants) if part)
        return f"{head}\n\n\n{body}"


def constants_of(function_text: str, constants: dict[str, str]) -> dict[str, str]:
    """Return those constants that the function's text reads."""
    return {name: literal for name, literal in constants.items() if _mentions(function_text, name)}


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
