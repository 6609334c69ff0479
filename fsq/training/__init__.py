"""Training sets: which records may be trained on, and what each gate drops."""

from fsq.training.export import read_provenance
from fsq.training.training_set import TrainingSet, training_set

__all__ = ["TrainingSet", "read_provenance", "training_set"]
