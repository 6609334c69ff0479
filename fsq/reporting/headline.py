"""What an error of a report begins with."""

HEADLINE = "the report cannot be written"
