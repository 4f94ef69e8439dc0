"""How a program ends that was told to: in order, so that what it started ends with it."""

from __future__ import annotations

import signal
from types import FrameType

_TELLING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ToldToStop(BaseException):
    """The program got a signal that asks it to end. No error: nothing that handles errors takes it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def stop_in_order() -> None:
    """From now on, raise `ToldToStop` in the main thread at the first Ctrl-C, SIGTERM or SIGHUP; ignore later ones.

    A signal that was ignored before (SIGHUP under nohup) stays ignored.
    """
    heard = [number for number in _TELLING if signal.getsignal(number) is not signal.SIG_IGN]

    def tell(number: int, frame: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise ToldToStop(number)

    for number in heard:
        signal.signal(number, tell)
