"""Picture: a figure that is not pyplot's, and shows itself in a notebook all the same."""

from base64 import b64encode
from io import BytesIO

from matplotlib.figure import Figure

__all__ = ["Picture"]


class Picture(Figure):
    """A Matplotlib figure. Nothing global knows it, so that there is nothing to close."""

    def _repr_html_(self) -> str:
        """Return the picture for a notebook, as a PNG inside of the page."""
        data = BytesIO()
        self.savefig(data, dpi=100, format="png")
        return f'<img src="data:image/png;base64,{b64encode(data.getvalue()).decode()}"/>'
