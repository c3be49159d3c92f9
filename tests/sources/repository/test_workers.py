"""Processes that share tasks: all results, whatever happens to one. Each test runs in a process without threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scanner.sources.repository.workers import batches

PRELUDE = """
import os, signal, sys, time
from scanner.sources.repository import workers
from scanner.sources.repository.workers import Workers, can_fork

def run(tasks, work, processes=2):
    with Workers(tasks, work, lambda task, why: f"lost: {why}".encode(), processes=processes) as started:
        return dict(started.results())
"""


def python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_task_is_done_once_in_other_processes() -> None:
    assert (
        python(
            """
assert can_fork()
found = run(10_000, lambda task: f"{task} {os.getpid() != parent}".encode())
print(len(found), all(found[task] == f"{task} True".encode() for task in range(10_000)))
""".replace("assert can_fork()", "parent = os.getpid()\nassert can_fork()")
        )
        == "10000 True\n"
    )


def test_results_larger_than_a_pipe_arrive_whole() -> None:
    assert (
        python("""
found = run(5, lambda task: bytes([task]) * 5_000_000)
print([len(found[task]) for task in range(5)], all(set(found[task]) == {task} for task in range(5)))
""")
        == "[5000000, 5000000, 5000000, 5000000, 5000000] True\n"
    )


def test_a_process_that_dies_loses_one_task() -> None:
    assert (
        python("""
def work(task):
    if task == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if task == 5:
        os._exit(7)
    return b"done"
found = run(100, work)
print(found.pop(3), found.pop(5), set(found.values()), len(found))
""")
        == "b'lost: its process ended with signal 11' b'lost: its process ended with 7' {b'done'} 98\n"
    )


def test_a_process_that_dies_loses_nothing_of_its_batch() -> None:
    assert (
        python("""
parent = os.getpid()
def work(task):
    if task in (3, 5, 900):
        os._exit(7)
    return b"here" if os.getpid() == parent else b"there"
found = run(1000, work)
print(len(found), sorted((task, found[task].decode()) for task in found if found[task] != b"there"))
""")
        == "1000 [(3, 'lost: its process ended with 7'), (5, 'lost: its process ended with 7'), "
        "(900, 'lost: its process ended with 7')]\n"
    )


@pytest.mark.parametrize("tasks", [0, 1, 7, 129, 983, 100_000])
def test_batches_hold_every_task_once_and_are_single_in_the_end(tasks: int) -> None:
    made = batches(tasks, 2)
    assert [task for batch in made for task in batch] == list(range(tasks))
    assert len(made) <= 4_096
    assert tasks > 4_096 or all(len(batch) == 1 for batch in made[-15:])


def test_processes_that_all_die_end_the_work() -> None:
    assert (
        python("""
found = run(100, lambda task: os._exit(1))
print(len(found), found[0], found[99])
""")
        == "100 b'lost: its process ended with 1' b'lost: 20 processes had ended before it was read'\n"
    )


def test_a_task_that_does_not_end_is_lost() -> None:
    assert (
        python("""
workers.SECONDS = 0.2
def work(task):
    while task == 1:
        pass
    return b"done"
print(sorted(run(4, work).items()))
""")
        == "[(0, b'done'), (1, b'lost: it took longer than 0 seconds'), (2, b'done'), (3, b'done')]\n"
    )


def test_more_memory_than_there_may_be_is_an_error_of_one_task() -> None:
    assert (
        python("""
def work(task):
    try:
        return b"got it" if bytearray(workers.MOST_MEMORY) else b""
    except MemoryError:
        return b"refused"
print(run(1, work))
""")
        == "{0: b'refused'}\n"
    )


@pytest.mark.parametrize(
    "why", ["import threading; threading.Thread(target=time.sleep, args=(1,)).start()", "import polars"]
)
def test_where_processes_cannot_be_forked_the_work_is_done_here(why: str) -> None:
    assert (
        python(
            f"""
{why}
assert not can_fork()
print(run(3, lambda task: str(os.getpid() == parent).encode()))
""".replace("assert not", "parent = os.getpid()\nassert not")
        )
        == "{0: b'True', 1: b'True', 2: b'True'}\n"
    )


def test_an_error_here_ends_the_other_processes() -> None:
    assert (
        python("""
import signal, subprocess
def work(task):
    signal.pause()
    return b""
try:
    with Workers(2, work, lambda task, why: b"", processes=2) as started:
        raise KeyError("here")
except KeyError:
    pass
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("none is left")
""")
        == "none is left\n"
    )
