"""`python -m bench`: run the parts and print the table, with ratios, and what the machine was."""

import argparse
import os
import time

from bench import machine
from bench.data import Shape
from bench.parts import PARTS
from bench.setting import Options, setting
from bench.stores import DRIVERS
from bench.table import Row, written


def main() -> None:
    """Run what the command line asks for."""
    arguments = _parser().parse_args()
    for driver in arguments.driver or list(DRIVERS):
        options = Options(
            samples=arguments.samples,
            repeat=arguments.repeat,
            driver=driver,
            workers=arguments.workers,
            crowd=arguments.crowd,
        )
        _report(options, arguments.only or list(PARTS))


def _report(options: Options, names: list[str]) -> None:
    """Print each row when it is known, and the table in the end."""
    shape = Shape.of(options.samples)
    print(
        f"\n{options.driver}: {shape.samples:,} samples of {shape.instances} instances, polled "
        f"{shape.polls_a_day} times a day for a month; {options.workers} workers of uwsgi, "
        f"{options.crowd} that post or write; medians of {options.repeat} (least-most), warm; "
        "reading is over HTTP for ours and in process for the rival"
    )
    print(machine.described(), flush=True)
    begin = time.monotonic()
    rows: list[Row] = []
    with setting(options) as one:
        for name in names:
            for row in PARTS[name](one):
                seconds = f"{time.monotonic() - begin:6.1f} s"
                print(seconds, *(cell for cell in row.cells if cell), sep="  ", flush=True)
                rows.append(row)
    print(f"\n{written(rows)}\n\n{machine.described()}; {time.monotonic() - begin:.0f} s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000, help="about so many in the month")
    parser.add_argument("--repeat", type=int, default=5, help="measure each figure so many times")
    parser.add_argument("--driver", action="append", choices=DRIVERS, help="default: all")
    parser.add_argument("--only", action="append", choices=PARTS, help="a part; default: all")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="of uwsgi; default: one a core"
    )
    parser.add_argument("--crowd", type=int, default=4, help="how many post or write at once")
    return parser


if __name__ == "__main__":
    main()
