"""How much of planted damage is seen, and how often a clean date raises an alarm."""

from fsq.bench.detection.detector import Alarm, Detector, Evidence, Fsq
from fsq.bench.detection.rendering import render_summary, render_templates
from fsq.bench.detection.run import run_detection
from fsq.bench.detection.season import Season, load_season
from fsq.bench.detection.worker import Plan

__all__ = [
    "Alarm",
    "Detector",
    "Evidence",
    "Fsq",
    "Plan",
    "Season",
    "load_season",
    "render_summary",
    "render_templates",
    "run_detection",
]
