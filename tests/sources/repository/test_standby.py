"""A process on standby: its answer, or none and no harm. Each test runs in a process without threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

PRELUDE = """
import io, os, signal, sys
from scanner.sources.repository.standby import Standby

here = os.getpid()
done = []

def standby(ready=lambda: None, answer=lambda question: question, meanwhile=lambda: done.append(os.getpid())):
    return Standby(ready, answer, meanwhile)
"""


def python(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program. It returns when nobody holds its output any longer: no process is left then."""
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + program], capture_output=True, text=True, timeout=60, check=False
    )


def printed(program: str) -> str:
    ran = python(program)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_it_gets_ready_and_answers_elsewhere_while_the_rest_is_done_here() -> None:
    assert (
        printed("""
def ready():
    done.append("ready")

one = standby(ready, lambda question: f"{question.decode()} {done == ['ready']} {os.getpid() != here}".encode())
print(one.waits, one.ask(b"asked"), one.waits, done == [here])
one.close()
""")
        == "True b'asked True True' False True\n"
    )


def test_what_is_larger_than_a_pipe_arrives_whole() -> None:
    assert (
        printed("""
one = standby(answer=lambda question: question[::-1])
question = b"ab" * 4_000_000
print(one.ask(question) == b"ba" * 4_000_000, standby().ask(b""))
""")
        == "True b''\n"
    )


@pytest.mark.parametrize(
    "end",
    [
        "os._exit(0)",
        "os._exit(7)",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "raise ValueError('wrong')",
        "sys.exit(3)",
        "os.close(int(1e6))",
    ],
)
def test_one_that_ends_gives_no_answer_and_says_nothing(end: str) -> None:
    ran = python(f"""
def end(*_):
    {end}

for one in (standby(ready=end), standby(answer=end)):
    print(one.ask(b"x" * 3_000_000), one.waits)
    one.close()
print(os.getpid() == here)
""")
    assert (ran.stdout, ran.stderr) == ("None False\nNone False\nTrue\n", "")


def test_it_answers_once() -> None:
    assert printed('one = standby(); print(one.ask(b"1"), one.ask(b"2"))') == "b'1' None\n"


def test_one_that_is_not_needed_is_ended_whatever_it_does() -> None:
    assert (
        printed("""
busy, idle = standby(ready=signal.pause), standby()
for one in (busy, idle, busy):
    one.close()
print(busy.waits, busy.ask(b"x"))
""")
        == "False None\n"
    )


def test_it_does_not_outlive_who_started_it() -> None:
    ran = python("one = standby(); os.kill(here, signal.SIGKILL)")
    assert ran.returncode == -9


def test_an_interrupt_is_left_to_who_started_it() -> None:
    assert (
        printed("""
def answer(question):
    os.kill(os.getpid(), signal.SIGINT)
    return question

print(standby(answer=answer).ask(b"asked"))
""")
        == "b'asked'\n"
    )


def test_what_it_prints_comes_before_what_is_printed_after_its_answer() -> None:
    assert (
        printed("""
def answer(question):
    print("there", end="; ")
    return question

print("before", end="; ")
one = standby(answer=answer)
one.ask(b"asked")
print("after")
""")
        == "before; there; after\n"
    )


def test_none_is_started_where_threads_run_or_its_output_would_be_lost() -> None:
    assert (
        printed("""
start = lambda: Standby.if_possible(lambda: None, lambda question: question, lambda: None)
kept, sys.stderr = sys.stderr, io.StringIO()
print(start())
sys.stderr = None
print(start())
sys.stderr = kept
import threading
wait = threading.Event()
thread = threading.Thread(target=wait.wait)
thread.start()
print(start())
wait.set()
thread.join()
import polars
print(start())
""")
        == "None\nNone\nNone\nNone\n"
    )
