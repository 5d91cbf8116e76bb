"""The HTML report: one file that shows where everything went and why."""

from __future__ import annotations

from curator.report.page import write_report

__all__ = ["write_report"]
