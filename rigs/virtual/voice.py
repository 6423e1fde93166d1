"""The sound of a virtual speaker in its room."""
import asyncio
import ctypes
import os

from unit import log


class Voice:
    """The sound of one stream, from its first packet until all of it was heard; `room` is a PCM of room.conf."""

    STEP_S = 0.02
    LIBRARY = ctypes.CDLL("libasound.so.2")
    for name in "avail_update", "writei":
        getattr(LIBRARY, f"snd_pcm_{name}").restype = ctypes.c_long

    def __init__(self, room, latency_s, rate, channels):
        self.queue, self.ended, self.room = b"", False, room
        self.task = asyncio.ensure_future(self.play(round(latency_s * 1e6), rate, channels))

    def call(self, name, *arguments):
        result = getattr(self.LIBRARY, f"snd_pcm_{name}")(*arguments)
        if result < 0:
            raise OSError(-result, f"snd_pcm_{name}: {os.strerror(-result)}")
        return result

    async def play(self, latency_us, rate, channels):
        pcm = ctypes.c_void_p()
        playback, nonblocking, s16_le, interleaved, resample = 0, 1, 2, 3, 1
        frame, step = 2 * channels, int(rate * self.STEP_S)
        try:
            self.call("open", ctypes.byref(pcm), f"plug:{self.room}".encode(), playback, nonblocking)
            self.call("set_params", pcm, s16_le, interleaved, channels, rate, resample, latency_us)
            size = self.call("avail_update", pcm)
            self.queue = bytes(frame * size) + self.queue       # a full buffer starts the card: the latency is constant
            while self.queue or not self.ended:
                room = self.call("avail_update", pcm)
                if not self.queue and room > size - 2 * step:
                    self.queue = bytes(frame * step)            # no packet came: silence, or the room repeats the last sound
                count = min(room, len(self.queue) // frame)
                if count:
                    count = self.call("writei", pcm, self.queue[:count * frame], ctypes.c_ulong(count))
                    self.queue = self.queue[count * frame:]
                await asyncio.sleep(self.STEP_S)
        except OSError as error:
            log("sound:", error)
        finally:
            if pcm:
                self.LIBRARY.snd_pcm_close(pcm)

    def end(self, silence):
        """`silence` pushes the last sound out of the buffer."""
        self.queue += silence
        self.ended = True
