"""Reference data give the same bits as before: records, their labels, and normalized data.

A change of the package's structure must leave ``data/records.json`` as it is. If a change of
numbers is meant, write the file anew, from the root of the project, and look at the difference::

    python tests/test_same_bits.py

The sums of compiled kernels depend on the processor they are compiled for. On another one than
those named below, set ``NUMBA_CPU_NAME=haswell`` to try these cases too.
"""

import json
from pathlib import Path
from typing import Any

import dask
import pytest
from support.digests import compute_digest, describe_states
from support.reference import CASES, elementary

import dasknorm as dn

RECORDS = Path(__file__).parent / "data" / "records.json"
ELEMENTARY = "elementary functions of NumPy"
PROCESSORS = ("haswell", "znver3", "znver4")  # which were seen to give the same bits
NAMES = [pytest.param(name, marks=case.mark) for name, case in CASES.items()]
READINGS = ("mean", "std", "variance", "count", "min", "max", "maxabs", "median", "error")


def _processor() -> str:
    """Return the name of the processor that Numba compiles for."""
    import numba
    from llvmlite.binding import get_host_cpu_name

    return numba.config.CPU_NAME or get_host_cpu_name()


def _said(name: str) -> dict[str, Any]:
    """Return the digests of the results of a case."""
    text: dict[str, Any] = {}
    for key, value in CASES[name].compute().items():
        text[key] = _stats(value) if isinstance(value, dn.Stats) else compute_digest(value)
    return text


def _stats(stats: dn.Stats) -> dict[str, Any]:
    readings = {name: stats.result(name) for name in READINGS if _has(stats, name)}
    return {
        "states": describe_states(stats),
        "readings": {n: compute_digest(v) for n, v in readings.items()},
    }


def _has(stats: dn.Stats, name: str) -> bool:
    statistic = stats.statistic
    kinds = statistic.values() if isinstance(statistic, dict) else [statistic]
    return any(name in kind.result_names for kind in kinds)


def test_every_case_has_digests() -> None:
    """The file has all cases of the table, and no other."""
    assert set(json.loads(RECORDS.read_text())) == {ELEMENTARY, *CASES}


@pytest.mark.parametrize("name", NAMES)
def test_same_bits(name: str) -> None:
    """Every bit of the records and of normalized and inverted data is as it was."""
    written = json.loads(RECORDS.read_text())
    if CASES[name].elementary and written[ELEMENTARY] != compute_digest(elementary()):
        pytest.skip("NumPy's logarithms or sines have other last bits on this processor")
    if CASES[name].compiled and _processor() not in PROCESSORS:
        pytest.skip(f"set NUMBA_CPU_NAME to one of {PROCESSORS}: sums have other last bits here")
    assert _said(name) == written[name]


def main() -> None:
    """Write the digests of all cases, after a check that threads do not change them."""
    assert _processor() in PROCESSORS, f"set NUMBA_CPU_NAME to one of {PROCESSORS}"
    text = {name: _said(name) for name in CASES}
    with dask.config.set(scheduler="sync"):
        different = [name for name in CASES if _said(name) != text[name]]
    assert not different, f"these depend on the scheduler: {different}"
    text[ELEMENTARY] = compute_digest(elementary())
    RECORDS.write_text(json.dumps(text, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
