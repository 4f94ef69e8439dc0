"""Voice activity with Silero, the ONNX model inside the faster-whisper wheel, over a stream."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.transcription.engine import Samples

_WINDOW_SAMPLES: Final = 512
_CONTEXT_SAMPLES: Final = 64
_STATE_SHAPE: Final = (1, 1, 128)


class SileroStream:
    """Speech probability of each 32 ms window of one recording, fed piece by piece.

    The recurrent state is carried from piece to piece: the portions don't change the outcome, and memory does not
    grow. One object per recording; not for use from several threads at once.
    """

    def __init__(self) -> None:
        from faster_whisper.vad import get_vad_model

        self._session: Any = get_vad_model().session
        self._hidden = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._cell = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, dtype=np.float32)
        self._rest: Samples = np.zeros(0, dtype=np.float32)

    def feed(self, samples: Samples) -> NDArray[np.float32]:
        """Take the next samples and return the probabilities of the windows that they complete."""
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) - len(joined) % _WINDOW_SAMPLES
        self._rest = joined[whole:]
        return self._probabilities(joined[:whole])

    def finish(self) -> NDArray[np.float32]:
        """End of the recording: the probability of the last, incomplete window, if there is one."""
        if not len(self._rest):
            return np.zeros(0, dtype=np.float32)
        last = np.pad(self._rest, (0, _WINDOW_SAMPLES - len(self._rest)))
        self._rest = self._rest[:0]
        return self._probabilities(last)

    def _probabilities(self, samples: Samples) -> NDArray[np.float32]:
        if not len(samples):
            return np.zeros(0, dtype=np.float32)
        windows = samples.reshape(-1, _WINDOW_SAMPLES)
        tails = np.concatenate((self._context[None], windows[:-1, -_CONTEXT_SAMPLES:]))
        inputs = np.concatenate((tails, windows), axis=1)
        outputs, self._hidden, self._cell = self._session.run(
            None, {"input": inputs, "h": self._hidden, "c": self._cell}
        )
        self._context = windows[-1, -_CONTEXT_SAMPLES:].copy()
        return np.asarray(outputs, dtype=np.float32).reshape(-1)
