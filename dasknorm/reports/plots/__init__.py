"""Plots of statistics with Matplotlib: profiles, curves, maps and points.

Used by api.stats. Plots may change. `plan` chooses the panels by the kept dimensions, `bands` finds
location and range from the results of any statistic, `panels` draws one panel, and `drift` draws a
check.
"""

from dasknorm.reports.plots.panels import NotebookFigure
from dasknorm.reports.plots.plan import plot_states

__all__ = ["NotebookFigure", "plot_states"]
