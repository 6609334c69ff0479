"""What a store remembers about its rows: their whole contract, and their source."""

from __future__ import annotations

import base64
import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from fsq.contract import Contract, load_contract
from fsq.contract.loading import restore_contract, shipped_contracts
from fsq.errors import ContractError, InputError, StoreError, short

_NAME = "feature_schema_version"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows of a table come from.

    Attributes:
        contract: the contract that they were last scored with.
        source: URI of the source that they were last read from; None where none was named.
    """

    contract: Contract
    source: str | None

    def to_json(self) -> str:
        """All of it as text, for ``parse_origin`` to read.

        Mappings keep their order: that of the sources decides their codes.
        """
        return json.dumps(
            {
                "contract": self.contract.name,
                "version": self.contract.version_hash,
                "source": self.source,
                "text": self.contract.model_dump(mode="json"),
            },
            separators=(",", ":"),
        )

    def to_packed(self) -> str:
        """The same, compressed: a table's log holds it once for each commit."""
        return base64.b64encode(zlib.compress(self.to_json().encode(), 9)).decode()


@lru_cache(maxsize=8)  # one text is asked for its contract, then for its source
def parse_origin(text: str, uri: str) -> Origin:
    """Read what ``Origin.to_json`` or ``Origin.to_packed`` made.

    Args:
        text: what a table remembers.
        uri: the store, for the message.

    Raises:
        StoreError: this version of fsq cannot read it.

    >>> origin = Origin(load_contract("v2_33features"), "season.parquet")
    >>> again = parse_origin(origin.to_packed(), "warehouse/store")
    >>> again.contract.version_hash == origin.contract.version_hash, again.source
    (True, 'season.parquet')
    """
    try:
        if not text.startswith("{"):
            text = zlib.decompress(base64.b64decode(text, validate=True)).decode()
        data = json.loads(text)
        contract = restore_contract(data["text"], f"the contract of {uri}")
        source = data["source"]
    except (ValueError, KeyError, TypeError, zlib.error, ContractError) as error:
        problem = f"{uri}: the contract it remembers cannot be read: {short(error)}"
        raise StoreError(f"{problem}; name it with --contract") from error
    return Origin(contract, source if isinstance(source, str) else None)


class OriginOfRows(ABC):
    """What a store knows about its rows; every store inherits it.

    Args:
        uri: the store.
        contract: the contract of the rows to write; None for what the table remembers.
        source: URI of the source of the rows to write; None for what the table remembers.
    """

    def __init__(
        self, uri: str, contract: Contract | None = None, source: str | None = None
    ) -> None:
        self.uri = uri
        self._contract, self._given = contract, contract is not None
        self._source = source
        self._remembered: Origin | None = None  # most who ask for a contract ask for a source, too

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.uri!r})"

    @abstractmethod
    def origin(self) -> Origin | None:
        """What the table remembers; None without a table, or for one that remembers nothing."""

    def interrupt(self) -> None:
        """Make a ``replace`` in another thread give up; by default it ends soon anyway."""
        return

    @property
    def contract(self) -> Contract:
        """The contract that was given, else the table's own, else ``v2_33features``.

        Raises:
            StoreError: what the table remembers cannot be read.
        """
        if self._contract is None:
            origin = self.origin()
            self._contract = load_contract() if origin is None else origin.contract
            self._remembered = origin
        return self._contract

    @property
    def source(self) -> str | None:
        """URI of the source that was given, else of the one that the table remembers."""
        if self._source is None:
            origin = self._remembered or self.origin()
            return None if origin is None else origin.source
        return self._source

    def adopt_contract(self, names: Iterable[str | None]) -> Origin:
        """What the table is to remember with rows that were scored under these contracts.

        If no contract was given and the table has none, a shipped contract that the rows name is
        used.

        Args:
            names: values of ``feature_schema_version``.

        Raises:
            InputError: they do not name the store's contract.
        """
        found = sorted({str(n) for n in names} - {self.contract.name})
        self._remembered = None  # another writer's source counts from now on
        if found and not self._given and len(found) == 1 and found[0] in shipped_contracts():
            origin = self.origin()
            if origin is None:
                self._contract = load_contract(found[0])
                found = []
        if found:
            scored = ", ".join(map(short, found))
            cure = "open the store with the contract of the rows, or write to another store"
            problem = f"the rows were scored with {scored}, {self.uri} has {self.contract.name}"
            raise InputError([f"{problem}; {cure}"], "the rows cannot be stored")
        return Origin(self.contract, self.source)


def list_contract_names(rows: pa.Table) -> list[str | None]:
    """The contracts that scored rows name; none without the column."""
    if _NAME not in rows.column_names:
        return []
    names: list[str | None] = rows[_NAME].unique().to_pylist()
    return names
