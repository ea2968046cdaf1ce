"""Times how rows of an experiment are summed up, against DuckDB, side by side.

    python3 tests/bench/dataset.py FOLD [--turns N] [--rows N] [--folder DIR]

FOLD is the example `fold` of the crate `dataset`. DuckDB comes from PyPI into an environment of its own
and writes the data itself: 5 million rows of 1 million units (an id of 16 letters, an arm, a time and an
amount), as Parquet (Snappy, 8 row groups) and as CSV. Both are whole processes with two threads that take
turns, so that what else the machine does hits both. They answer the same question (the first exposure
decides the arm; units, units of several arms, sum and sum of squares for each arm), and their figures
are compared. A second query is kinder to DuckDB: it takes each unit with its arm for a unit, and asks
for no first exposure. Times are medians, memory is the most that a process held. At the end the same
with 1 to 50 million rows, whose times have to grow no faster than the rows.
"""

import argparse
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time
import venv

DUCKDB = "duckdb"
UNITS, THREADS, TARGET = 1_000_000, 2, 0.5
ARMS = ["control", "new_hero"]

WRITE = """
import duckdb, sys
rows, units, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
base = duckdb.connect()
base.execute('set enable_progress_bar = false')
base.execute('''create table rows as select
    substr(md5(unit::varchar), 1, 16) as user_id,
    case when hash(unit) % 2 = 0 then 'control' else 'new_hero' end as arm,
    timestamp '2026-11-01' + interval (micros) microsecond as ts,
    amount from (select hash(row * 7919 + 13) % {units} as unit,
        (hash(row + 5) % (14 * 86400 * 1000000::ubigint))::bigint as micros,
        (hash(row + 99) % 100000000) / 1000000.0 as amount
        from range({rows}) numbers(row))'''.format(rows=rows, units=units))
size = max(2048, -(-rows // 8))
base.execute(f"copy rows to '{name}.parquet' (format parquet, compression snappy, row_group_size {size})")
base.execute(f"copy rows to '{name}.csv' (header)")
"""

ASK = """
import duckdb, sys
file, query = sys.argv[1], sys.argv[2]
base = duckdb.connect()
base.execute("set threads = 2; set enable_progress_bar = false")
rows = f"read_parquet('{file}')" if file.endswith("parquet") else f"read_csv('{file}')"
units = {
    "same": f"select arg_min(arm, ts) as arm, min(arm) <> max(arm) as several, sum(amount) as total"
            f" from {rows} group by user_id",
    "kinder": f"select arm, false as several, sum(amount) as total from {rows} group by user_id, arm",
}[query]
for arm in base.execute(f'''select arm, count(*), sum(several::int), sum(total), sum(total * total)
        from ({units}) group by arm order by arm''').fetchall():
    print(*arm)
"""


def environment(folder):
    """A Python that has DuckDB, made once."""
    python = folder / "duckdb" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "duckdb", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", DUCKDB], check=True)
    return str(python)


def data(python, folder, rows):
    """Where the files lie, without their ends; written once."""
    name = folder / f"rows-{rows}"
    if not (folder / f"rows-{rows}.csv").exists():
        subprocess.run([python, "-c", WRITE, str(rows), str(UNITS), str(name)], check=True)
    return str(name)


def run(argv):
    """What a process prints, its seconds, and the most memory in KiB that it held."""
    started = time.perf_counter()
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{argv[:2]} ended with {child.returncode}")
    return said, seconds, usage.ru_maxrss


def figures(said):
    """Units, units of several arms, sum and sum of squares, by arm."""
    lines = [line.split() for line in said.splitlines()]
    return {arm: [float(number) for number in numbers] for arm, *numbers in lines}


def agree(ours, theirs, name):
    """Whether both came to the same; ours has squares of what is left without the mean of all."""
    ours, theirs = figures(ours), figures(theirs)
    units = sum(theirs[arm][0] for arm in ARMS)
    centre = sum(theirs[arm][2] for arm in ARMS) / units
    for arm in ARMS:
        count, several, total, squares = theirs[arm]
        left = squares - 2 * centre * total + count * centre * centre
        if ours[arm][:2] != [count, several]:
            sys.exit(f"{name}: {arm} has {ours[arm]}, not {theirs[arm]}")
        if not math.isclose(ours[arm][2], total, rel_tol=1e-9):
            sys.exit(f"{name}: the sum of {arm} is {ours[arm][2]}, not {total}")
        # The mean is rounded to what a short number holds, so the last digits are another's.
        if not math.isclose(ours[arm][3], left, rel_tol=1e-5):
            sys.exit(f"{name}: the squares of {arm} are {ours[arm][3]}, not {left}")


def compare(commands, turns):
    """Medians of seconds and the most memory of each; all take turns."""
    said = {name: run(argv)[0] for name, argv in commands.items()}
    seconds, memory = {name: [] for name in commands}, dict.fromkeys(commands, 0)
    for _ in range(turns):
        for name, argv in commands.items():
            _, took, held = run(argv)
            seconds[name].append(took)
            memory[name] = max(memory[name], held)
    return said, {name: statistics.median(all) for name, all in seconds.items()}, memory


def ours(fold, file):
    return [fold, file, "user_id", "arm", "ts", "amount", str(THREADS), *ARMS]


def side_by_side(fold, python, name, turns):
    for end in ["parquet", "csv"]:
        file = f"{name}.{end}"
        commands = {
            "gate": ours(fold, file),
            "DuckDB": [python, "-c", ASK, file, "same"],
            "DuckDB, kinder": [python, "-c", ASK, file, "kinder"],
        }
        said, seconds, memory = compare(commands, turns)
        agree(said["gate"], said["DuckDB"], file)
        cells = ", ".join(f"{n} {seconds[n]:.3f} s {memory[n] / 1024:.0f} MiB" for n in commands)
        print(f"{end}\n    {cells}")
        for peer in ["DuckDB", "DuckDB, kinder"]:
            ratio, of_memory = seconds["gate"] / seconds[peer], memory["gate"] / memory[peer]
            met = "met" if ratio <= TARGET and of_memory <= 1 else "MISSED"
            print(f"    {ratio:.2f} of the time and {of_memory:.2f} of the memory of {peer}, "
                  f"targets {TARGET} and 1: {met}", flush=True)


def growth(fold, python, folder, most, turns):
    print("how time grows with rows")
    found = []
    for rows in [1_000_000, 5_000_000, 20_000_000, 50_000_000]:
        if rows > most:
            break
        name = data(python, folder, rows)
        commands = {end: ours(fold, f"{name}.{end}") for end in ["parquet", "csv"]}
        _, seconds, memory = compare(commands, turns)
        found.append((rows, seconds))
        cells = ", ".join(f"{end} {1e9 * seconds[end] / rows:.0f} ns a row, "
                          f"{memory[end] / 1024:.0f} MiB" for end in commands)
        print(f"    {rows / 1e6:>4.0f} million rows: {cells}", flush=True)
        if rows > 5_000_000:
            for end in commands:
                os.remove(f"{name}.{end}")
    # From where all units are there: before that a row is more likely to be of a new one.
    (small, first), (large, last) = found[1 if len(found) > 2 else 0], found[-1]
    for end in first:
        ratio = last[end] / large / (first[end] / small)
        met = "met" if ratio <= 1.2 else "MISSED"
        print(f"    {end}: a row of {large / 1e6:.0f} million takes {ratio:.2f} of the time of one of "
              f"{small / 1e6:.0f} million, target 1.2: {met}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("fold")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--rows", type=int, default=50_000_000, help="as far as growth is looked at")
    parser.add_argument("--folder", default="target/bench/dataset", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    fold, python = os.path.abspath(arguments.fold), environment(folder)
    side_by_side(fold, python, data(python, folder, 5_000_000), arguments.turns)
    growth(fold, python, folder, arguments.rows, max(3, arguments.turns // 2))


main()
