"""`Condition`: the values to include, as written after --where.

Used by cli.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dasknorm.cli.errors import InputError

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
PATTERN = re.compile(rf"(.*?\S)\s*({'|'.join(OPERATORS)})\s*({NUMBER})")


@dataclass(frozen=True)
class Condition:
    """A comparison of a variable or column with a number, or the name of one of booleans."""

    text: str
    name: str
    symbol: str | None = None
    number: float = 1

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Return the condition in a text such as ``lsm < 0.5``; ValueError if it is none."""
        if match := PATTERN.fullmatch(text.strip()):
            name, symbol, digits = match.groups()
            number = int(digits) if digits.lstrip("+-").isdigit() else float(digits)
            return cls(text.strip(), name, symbol, number)
        if not text.strip() or re.search("[<>=]", text):
            raise ValueError(
                f"{text!r}; write a variable, an operator ({', '.join(OPERATORS)}) and a number, "
                "as in 'lsm < 0.5', or the name of a variable of booleans"
            )
        return cls(text.strip(), text.strip())

    def __call__(self, data: Any) -> Any:
        """Return a mask of the values in xarray or Dask data; missing values are not included."""
        values = data[self.name]
        if self.symbol is None and not str(values.dtype).lower().startswith("bool"):
            raise InputError(
                f"--where {self.name}: its dtype is {values.dtype}, and not bool; write a "
                f"comparison, such as '{self.name} > 0.5'"
            )
        if self.symbol is None:
            return values.rename(self.text)
        mask = OPERATORS[self.symbol](values, self.number)
        return (mask & values.notnull()).fillna(False).rename(self.text)
