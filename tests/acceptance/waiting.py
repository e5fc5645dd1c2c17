"""Waiting for conditions, with a deadline. The only place of the acceptance tests that sleeps."""

import time


def until(condition, within, what):
    """Asks `condition` until it gives something true, and gives that back; fails after `within` seconds.

    An exception of a client or a connection counts as "not yet" and is told if the time runs out.
    """
    deadline = time.monotonic() + within
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
        time.sleep(0.05)
