"""Which files a source names: a file, a folder or a glob, on disk or in a bucket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import glob, has_magic
from pathlib import Path

from fsq.errors import InputError
from fsq.stores.objects.bucket import StoredObject, find_object, list_objects
from fsq.stores.objects.uri import clean_uri, is_object_uri, split_uri

# The endings of each format.
ENDINGS = {
    "Parquet": (".parquet", ".pq"),
    "CSV": (".csv",),
    "TSV": (".tsv", ".tab"),
    "NDJSON": (".ndjson", ".jsonl"),
    "Arrow": (".arrow", ".ipc", ".feather", ".arrows"),
}
_COMPRESSED = (".gz", ".zst")
# Where lake tables keep their logs; only the log knows which files are current.
_LAKE_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi", "metadata": "Iceberg"}
_ICEBERG = ".metadata.json"


@dataclass(frozen=True, slots=True, order=True)
class DataFile:
    """A file of a source.

    Attributes:
        path: where it is; a URI in a bucket.
        size: bytes.
    """

    path: str
    size: int

    @property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders that it lies in, outermost first."""
        if is_object_uri(self.path):
            return tuple(split_uri(self.path)[1].split("/")[:-1])
        return Path(self.path).absolute().parent.parts

    @property
    def format(self) -> str | None:
        """The format that its ending names."""
        return _format_of(self.path)


def find_files(uri: str) -> list[DataFile]:
    """The data files that a path or a URI names, in their order.

    In folders, and for globs, names that begin with ``_`` or ``.`` are skipped.

    Raises:
        InputError: nothing is there, or files are those of a lake table.
        StoreError: a bucket cannot be read.
    """
    if is_object_uri(uri):
        files = _find_objects(clean_uri(uri))
    else:
        paths = _find_paths(_to_path(uri))
        _refuse_lake_folders(paths, uri)
        files = [DataFile(str(p), p.stat().st_size) for p in paths]
        if unreadable := [p for p in paths if not _is_utf8(str(p))]:
            raise InputError([f"{str(p)!a} is not UTF-8; rename it" for p in unreadable[:20]])
    if not files and not (is_object_uri(uri) or has_magic(uri) or _to_path(uri).exists()):
        raise InputError([f"{uri}: there is no such file or folder; correct the path"])
    if not files:
        raise InputError([f"{uri}: no data files found there; name {list_endings()}"])
    return files


def count_given(uri: str, files: Sequence[DataFile]) -> int:
    """How many of the folders above a source's files its own path names; others lie inside.

    >>> count_given("s3://rows/feed/day=*/a.parquet", [])
    1
    """
    if is_object_uri(uri):
        uri = clean_uri(uri)
        key = split_uri(uri)[1]
        parts = tuple(key.split("/")) if key else ()
        is_file, is_folder = any(file.path == uri for file in files), False
    else:
        path = _to_path(uri)
        parts, is_file, is_folder = path.absolute().parts, path.is_file(), path.is_dir()
    if is_file:
        return len(parts) - 1
    is_glob = not is_folder and any(map(has_magic, parts))
    return _split_pattern(parts)[0] if is_glob else len(parts)


def list_endings() -> str:
    """The endings of data files, for messages."""
    return ", ".join(e for endings in ENDINGS.values() for e in endings)


def _to_path(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def _format_of(path: str) -> str | None:
    name = path.rpartition("/")[2].lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return next((f for f, endings in ENDINGS.items() if name.endswith(endings)), None)


def _is_data(inside: Iterable[str]) -> bool:
    return not any(part.startswith(("_", ".")) for part in inside)


def _lake_error(uri: str, folder: object, kind: str) -> InputError:
    cure = "name the table itself" if kind == "Delta" else "export it as Parquet"
    problem = f"{folder} is a {kind} table; its files cannot be read one by one"
    return InputError([f"{uri}: {problem}; {cure}"])


def _find_paths(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return _walk(path) if path.is_dir() else _match(path)


def _walk(folder: Path) -> list[Path]:
    """The data files below a folder, at any depth."""
    inside = (f for f in folder.rglob("*") if _is_data(f.relative_to(folder).parts))
    return sorted(f for f in inside if _format_of(f.name) is not None and _is_file(f))


def _is_file(path: Path) -> bool:
    """Whether it is a file; its rows would be missing if a link to nothing were none.

    Raises:
        InputError: it is a link to nothing.
    """
    if path.is_symlink() and not path.exists():
        problem = f"{path} is a link to nothing; restore what it names, or remove it"
        raise InputError([problem])
    return path.is_file()


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _match(pattern: Path) -> list[Path]:
    """The data files that a glob names, and those in the folders that it names."""
    if not has_magic(str(pattern)):
        return []
    fixed, hidden = _split_pattern(pattern.parts)
    found: set[Path] = set()
    for path in map(Path, glob(str(pattern), recursive=True)):  # noqa: PTH207
        if hidden or _is_data(path.parts[fixed:]):
            found.update(_walk(path) if path.is_dir() else [path] if _is_file(path) else [])
    return sorted(found)


def _split_pattern(parts: Sequence[str]) -> tuple[int, bool]:
    """How many parts of a glob are plain names, and whether the others ask for hidden ones."""
    fixed = next(i for i, part in enumerate(parts) if has_magic(part))
    return fixed, not _is_data(parts[fixed:])


def _refuse_lake_folders(files: Iterable[Path], uri: str) -> None:
    """Refuse files of a lake table: only its log knows which of them are current."""
    for folder in dict.fromkeys(p for file in files for p in file.absolute().parents):
        for name, kind in _LAKE_LOGS.items():
            log = folder / name
            if log.is_dir() and (name != "metadata" or any(log.glob(f"*{_ICEBERG}"))):
                raise _lake_error(uri, folder, kind)


def _find_objects(uri: str) -> list[DataFile]:
    """The objects that a URI names: one, all below a prefix, or those of a glob."""
    bucket, key = split_uri(uri)
    parts = key.split("/") if key else []
    if found := None if has_magic(key) else find_object(uri):
        _refuse_lake_objects([found], [], uri, len(parts) - 1)
        return [DataFile(*found)]
    fixed, hidden = _split_pattern(parts) if has_magic(key) else (len(parts), False)
    listed = list(list_objects("/".join([bucket, *parts[:fixed]])))
    files = [o for o in listed if _is_named(split_uri(o.uri)[1].split("/"), parts, fixed, hidden)]
    _refuse_lake_objects(files, listed, uri, fixed)
    return sorted(DataFile(*o) for o in files)


def _is_named(path: list[str], pattern: list[str], fixed: int, hidden: bool) -> bool:
    """Whether a pattern names an object, or a folder above it, without what is hidden there."""
    named = [n for n in range(len(path), fixed - 1, -1) if _matches(path[fixed:n], pattern[fixed:])]
    for length in named:
        in_folder = length < len(path)
        if in_folder and not (_format_of(path[-1]) and _is_data(path[length:])):
            continue
        if hidden or _is_data(path[fixed:length]):
            return True
    return False


def _matches(path: list[str], pattern: list[str]) -> bool:
    """Whether the parts of a path match those of a glob; ``**`` is any number of parts."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_matches(path[n:], pattern[1:]) for n in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _matches(path[1:], pattern[1:])


def _refuse_lake_objects(
    files: Iterable[StoredObject], listed: Iterable[StoredObject], uri: str, depth: int
) -> None:
    """Refuse objects of a lake table, whose log is among those listed, or further up."""
    bucket, key = split_uri(uri)
    parents = key.split("/")[:depth]
    above = ["/".join([bucket, *parents[:n]]) for n in range(1, depth + 1)]
    logs = [o for folder in above for name in _LAKE_LOGS for o in list_objects(f"{folder}/{name}")]
    lakes: dict[str, str] = {}
    for found in (*listed, *logs):
        parts = found.uri.split("/")
        for at, part in enumerate(parts[:-1]):
            is_log = part in _LAKE_LOGS
            if is_log and (part != "metadata" or found.uri.endswith(_ICEBERG)):
                lakes["/".join(parts[:at]) + "/"] = _LAKE_LOGS[part]
    for folder, kind in lakes.items():
        if any(f.uri.startswith(folder) for f in files):
            raise _lake_error(uri, folder.rstrip("/"), kind)
