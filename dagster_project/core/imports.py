"""Modules that are loaded when they are used, and not before, or not by everybody."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module until something of it is asked for. (importlib's LazyLoader reads it when it is imported.)"""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of every module
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextmanager
def much_loaded() -> Iterator[None]:
    """Within it large packages are loaded: no garbage is looked for meanwhile, nor in what they loaded afterwards.

    What a package makes when it is loaded is there to stay, and is looked through again and again: a fifth of the time.
    Where all was loaded before, what lies about is no package's.
    """
    looking, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if looking:
            gc.enable()


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Within it a package is as if it were not installed, for what tries to import it."""

    def loaded() -> dict[str, ModuleType]:
        return {n: m for n, m in sys.modules.items() if n == package or n.startswith(f"{package}.")}

    before = loaded()
    for name in before:
        del sys.modules[name]
    sys.modules[package] = None  # type: ignore[assignment]  # what the import system knows as not there
    try:
        yield
    finally:
        for name in loaded():
            del sys.modules[name]
        sys.modules.update(before)


def load_when_used(name: str) -> None:
    """Let a module that others import at their beginning, and most runs never use, be read where it is used first."""
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None:  # not installed: who imports it says so
        return
    later = _Later(name)
    later.__spec__ = spec
    if spec.submodule_search_locations is not None:
        later.__path__ = spec.submodule_search_locations
    sys.modules[name] = later
