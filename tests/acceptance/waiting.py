"""Waiting for conditions, with a deadline. The only place of the acceptance tests that sleeps."""

import time

#: The shortest wait, in seconds.
LEAST = 30
PAUSE = 0.05


def until(condition, within, what):
    """Asks `condition` until it gives something true, and gives that back; fails after `within` seconds.

    An exception of a client or a connection counts as "not yet" and is told if the time runs out. On a machine that has
    much else to do a few seconds are nothing, so nobody waits for less than half a minute; and time in which this process
    was stopped is not counted.
    """
    deadline = time.monotonic() + max(within, LEAST)
    last = None
    while True:
        try:
            found = condition()
            if found:
                return found
            last = f"the last answer was {found!r}"
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a client throws while the thing is not there yet
            last = f"the last error was {error!r}"
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within} s; {last}")
        before = time.monotonic()
        time.sleep(PAUSE)
        slept = time.monotonic() - before
        if slept > 1:
            deadline += slept - PAUSE
