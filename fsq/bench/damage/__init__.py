"""Damage as upstream jobs really fail, planted in clean rows of any contract's table."""

from fsq.bench.damage.registry import FAMILIES, TEMPLATES, select_templates
from fsq.bench.damage.scene import Scene
from fsq.bench.damage.stamps import add_stamps
from fsq.bench.damage.table import DamageTable, describe_table
from fsq.bench.damage.template import Damaged, Template, plant

__all__ = [
    "FAMILIES",
    "TEMPLATES",
    "DamageTable",
    "Damaged",
    "Scene",
    "Template",
    "add_stamps",
    "describe_table",
    "plant",
    "select_templates",
]
