"""BigQuery as a store. Only this folder imports Google's clients, and only when one is opened."""
