"""Training sets: which records may be trained on, and what each gate cost."""
