"""The checks: each looks at the dates for one kind of fault."""
