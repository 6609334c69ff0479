"""What is done once a module has been imported, by whoever needs it first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def run_after_import(name: str, action: Callable[[], object]) -> None:
    """Run an action as soon as a module is there; at once if it is already.

    The module itself is not imported. If the action fails, so does the module's import.

    Args:
        name: of a module that is in no package.
        action: what to do, once.

    >>> run_after_import("sys", lambda: print("it is there"))
    it is there
    """
    if name in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, _Watcher(name, action))


class _Watcher(MetaPathFinder):
    """Waits for the import of one module, which other finders then find."""

    def __init__(self, name: str, action: Callable[[], object]) -> None:
        self._name = name
        self._action = action

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name:
            return None
        others = (f for f in sys.meta_path if f is not self and hasattr(f, "find_spec"))
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((s for s in found if s is not None), None)
        if spec is not None and spec.loader is not None:
            self._follow(spec.loader)
        return spec

    def _follow(self, loader: Loader) -> None:
        """Run the action after this loader has run the module."""
        execute = loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self._action()

        loader.exec_module = execute_and_act  # type: ignore[method-assign]
