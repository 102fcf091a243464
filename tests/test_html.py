"""The HTML repr of statistics: escaped, short, and free of computation."""

import html.parser

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

import dasknorm as dn

EVIL = '<script>alert("1")</script>'


class Texts(html.parser.HTMLParser):
    """Collects the tags of a page, and its texts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def test_names_and_units_are_only_text():
    """Names, units and labels that look like HTML are shown, and are none."""
    data = xr.DataArray([1.0, 2.0], dims="x", name=EVIL, attrs={"units": "<b>K</b>"})
    page = Texts(dn.adapt(data.to_dataset())._repr_html_())
    assert "script" not in page.tags
    assert EVIL in page.texts
    assert " ".join(page.texts).count("<b>K</b>") == 1
    frame = pd.DataFrame({"x": [1.0, 2.0], EVIL: ["<i>", "<u>"]})
    page = Texts(dn.adapt(frame, by=EVIL)._repr_html_())
    assert not {"script", "i", "u"} & set(page.tags)


def test_numbers_of_each_variable():
    """Each variable has a table of its readings by kept position, of long ones the first lines."""
    data = xr.Dataset(
        {"t": (("time", "level"), np.arange(60.0).reshape(2, 30)), "u": ("time", [1.0, 2.0])}
    )
    page = Texts(dn.adapt(data, [dn.Moments(), dn.Extrema()], keep="level")._repr_html_())
    assert page.tags.count("table") == 2
    assert {"level=0", "level=11", "... and 18 more", "min", "15"} <= set(page.texts)
    assert "level=12" not in page.texts
    assert "t" in page.texts
    assert " ".join(page.texts).count("Mean and population standard deviation") == 1


def test_statistics_of_their_own_are_told_apart():
    """Columns with statistics of their own have a table each, of what is read of them only."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]})
    page = Texts(dn.adapt(frame, {"a": dn.Extrema()})._repr_html_())
    assert page.tags.count("table") == 2
    assert "NaN" not in page.texts


def test_lazy_statistics_stay_lazy():
    """Of lazy statistics nothing is computed to show them."""
    x = da.map_blocks(lambda block: 1 / 0, da.zeros((4, 2), chunks=(2, 2)), meta=np.empty((0, 0)))
    page = Texts(dn.adapt(x, compute=False)._repr_html_())
    assert "lazy: not yet computed" in page.texts
