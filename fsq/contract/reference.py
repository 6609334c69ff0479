"""The output of a contract as a page of the documentation.

``python -m fsq.contract.reference > docs/output-columns.md`` writes the page of ``v2_33features``.
"""

from __future__ import annotations

from fsq.contract.loading import load_contract
from fsq.contract.model import Contract
from fsq.schema.columns import DETAIL_FIELDS


def describe_columns(contract: Contract) -> str:
    """Describe a contract's output columns and the fields of its detail in Markdown.

    >>> describe_columns(load_contract("v2_33features")).splitlines()[0]
    '# Output columns'
    """
    columns = contract.output.columns
    lines = [
        "# Output columns",
        "",
        f"A record scored under `{contract.name}` has these {len(columns)} columns. Another",
        "contract has its own categories, source types, flags and model column.",
    ]
    title = f"## Fields of {columns[0].name}"
    for heading, table in ((None, columns), (title, DETAIL_FIELDS)):
        lines += [*([heading] if heading else []), "", "| name | type | meaning |", "|---|---|---|"]
        lines += [f"| `{c.name}` | {c.type} | {c.description} |" for c in table]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(describe_columns(load_contract()), end="")
