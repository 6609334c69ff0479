"""How many rows are handled at once, where more than one package says so."""

# Rows per transaction: a season takes two, so that files are large and a rerun has little to redo.
COMMIT_ROWS = 20_000
