"""Pictures of statistics, with Matplotlib: profiles, maps, curves, and points.

`plan` says which panels there are, by what is kept; `panels` draws one, `figure` is what a user is
given. Nothing here goes by the class of a statistic: `bands` goes by what it reads.
"""

from dasknorm.reports.plots.figure import Picture
from dasknorm.reports.plots.plan import drawn

__all__ = ["Picture", "drawn"]
