"""Objects as files of Arrow: read in ranges, and written as a stream."""

from __future__ import annotations

import pyarrow.fs as pafs
from deltalake.fs import DeltaStorageHandler

from fsq.stores.objects.errors import object_errors
from fsq.stores.objects.uri import is_object_uri


def open_folder(uri: str) -> pafs.FileSystem:
    """The files of a folder or below a prefix; their paths are relative to it.

    Raises:
        StoreError: the bucket cannot be opened.
    """
    if not is_object_uri(uri):
        return pafs.SubTreeFileSystem(uri, pafs.LocalFileSystem())
    with object_errors(uri):
        return pafs.PyFileSystem(DeltaStorageHandler(uri))


def open_file(path: str) -> pafs.NativeFile:
    """A file for reading, by its path or an object's URI.

    Raises:
        OSError: it cannot be read.
        StoreError: its bucket cannot be opened.
    """
    if not is_object_uri(path):
        return pafs.LocalFileSystem().open_input_file(path)
    folder, _, name = path.rpartition("/")
    return open_folder(folder).open_input_file(name)
