"""How far a value is from a shift: one way for most dtypes, one for 64-bit integers.

A value comes as two float64 that hold it exactly, and so does a shift. Plain arithmetic without a
branch, as in `doubledouble`, and for the same reason.
"""

from typing import Any, final

from dasknorm.kernels.doubledouble import add, quick_two_sum, two_sum

__all__ = ["HALF", "Narrow", "Wide"]

HALF = 4294967296.0  # 2**32
ROUNDER = 6755399441055744.0  # 1.5 * 2**52: added and taken away again, it leaves a whole number


@final
class Narrow:
    """Values that one float64 holds; the second part is 0 and is left alone."""

    @staticmethod
    def difference(x: Any, _: Any, shift: Any, __: Any) -> Any:
        """x less the shift, rounded once."""
        return x - shift

    @staticmethod
    def apart(x: Any, _: Any, shift: Any, __: Any) -> Any:
        """x less the shift as a double-double, exactly."""
        return two_sum(x, -shift)

    @staticmethod
    def moved(shift: Any, low: Any, step: Any) -> Any:
        """The shift moved by a step."""
        return shift + step, low

    @staticmethod
    def mean(shift: Any, _: Any, step: Any) -> Any:
        """The shift and a step as a double-double."""
        return two_sum(shift, step)

    @staticmethod
    def exact(x: Any, low: Any) -> Any:
        """x as a double-double."""
        return x, low


@final
class Wide:
    """Values as high * 2**32 + low, both whole: any 64-bit integer; no difference overflows."""

    @staticmethod
    def difference(high: Any, low: Any, shift: Any, shift_low: Any) -> Any:
        """x less the shift, rounded once."""
        return (high - shift) * HALF + (low - shift_low)

    @staticmethod
    def apart(high: Any, low: Any, shift: Any, shift_low: Any) -> Any:
        """x less the shift as a double-double, exactly."""
        return two_sum((high - shift) * HALF, low - shift_low)

    @staticmethod
    def moved(shift: Any, shift_low: Any, step: Any) -> Any:
        """The shift moved by the whole number next to a step, so that differences stay exact."""
        up = (step / HALF + ROUNDER) - ROUNDER
        return shift + up, shift_low + (((step - up * HALF) + ROUNDER) - ROUNDER)

    @staticmethod
    def mean(shift: Any, shift_low: Any, step: Any) -> Any:
        """The shift and a step as a double-double."""
        start, rest = two_sum(shift * HALF, shift_low)
        return add(start, rest, step, 0.0)

    @staticmethod
    def exact(high: Any, low: Any) -> Any:
        """x as a double-double."""
        return quick_two_sum(high * HALF, low)
