"""Pictures of statistics, with Matplotlib: profiles, maps, curves, and points.

`plan` says which panels there are, by what is kept; `panels` draws one, `figure` is what a user is
given. Nothing here goes by the class of a statistic: `bands` goes by what it reads.
"""

from dasknorm.pictures.figure import Picture
from dasknorm.pictures.plan import drawn

__all__ = ["Picture", "drawn"]
