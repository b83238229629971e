"""Stylizes the frame that a host requests, in any order of requests.

A stylized frame depends on the source frames and the parameters only, and equals that of `vst render`. A
mode with temporal state needs the state after an earlier frame of the shot. The engine takes that state
from its cache, or stylizes again from the nearest cached state, at worst from the first frame of the shot.
Cut detection (frames t−2 .. t+2) finds that frame. Where keyframes are propagated both ways, a frame also
needs those up to the next keyframe (`vst.host.shot_replay`).

States and stylized frames are cached by the fingerprint of the session, the size, the seed and the chained
hash of the shot's source frames that they depend on; never by a time or a plugin instance.
`vst.host.source` says when source frames are fetched again.

The result of an interactive request may be approximate: if no cached state is near enough, the shot is
stylized from `limit` frames before the requested one, forwards alone. Exact requests never use approximate
frames.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from vst.colour_modes import KEEP, STYLE
from vst.errors import VstError
from vst.host.engine_caches import EngineCaches
from vst.host.linear_light import to_linear
from vst.host.parameter_words import check_parameters
from vst.host.protocol import CURRENT, RESULT, Request
from vst.host.replay import ReplaySession, ReplayStep, StylizedFrame
from vst.host.session_pool import SessionPool
from vst.host.shared_frames import SharedFrames
from vst.host.shot_chain import ShotChain, first_chained_hash
from vst.host.shot_replay import ShotFrame, ShotReplay
from vst.host.source import ClipFrame, FrameProvider, RequestRun, SourceChanged, SourceFrames
from vst.host.stream import FrameStream
from vst.host.stream_store import StreamStore
from vst.pipeline.frame_size import working_size
from vst.pipeline.inside import paste
from vst.pipeline.session import StylizerSession
from vst.postprocess import Postprocess

_log = logging.getLogger(__name__)

_MAX_RUNS = 64
"""Plugin instances whose requests are remembered."""

_MAX_ATTEMPTS = 3
"""How often a request is tried while the source changes."""


@dataclass(frozen=True)
class RequestOutcome:
    """How a request was answered.

    Attributes:
        approximate: The shot was not stylized from its first frame.
        seconds: Spent in the networks.
    """

    approximate: bool
    seconds: float


@dataclass(frozen=True)
class _ApproximateFrame:
    """The last approximate frame of a run; the next frame continues from its state."""

    key: bytes
    index: int
    digest: bytes
    position: int
    step: ReplayStep


class Engine:
    """Stylizes frames for all plugin instances of one host.

    One request runs at a time. While it waits in `FrameProvider.fetch`, requests of other runs may be
    answered. So no code may assume that the caches, which all runs share, are unchanged after a fetch.

    Args:
        limit: Bytes for the caches. None takes the value of `VST_PLUGIN_CACHE`, or else an eighth of the
            memory and at most 2 GB.
        store: Keeps the state of clips whose host gives no frame but the current one; None keeps nothing.
    """

    def __init__(self, limit: int | None = None, store: StreamStore | None = None) -> None:
        self._store = store
        self._sessions = SessionPool()
        self._caches = EngineCaches(limit)
        self._runs: OrderedDict[str, RequestRun] = OrderedDict()
        self._streams: OrderedDict[str, FrameStream] = OrderedDict()
        self._approximate: dict[str, _ApproximateFrame] = {}

    def purge(self) -> None:
        """Empty the caches; networks stay loaded."""
        self._caches.clear()
        if self._store is not None:
            for run in self._streams:
                self._store.drop(run)
        for known in (self._runs, self._streams, self._approximate):
            known.clear()

    def stylize(
        self,
        request: Request,
        provider: FrameProvider,
        frames: SharedFrames,
        progress: Callable[[int, int], None] = lambda done, steps: None,
    ) -> RequestOutcome:
        """Write one stylized frame to the result slot.

        Args:
            request: The frame and the settings.
            provider: Gets source frames.
            frames: The shared memory for source frames and the result.
            progress: Called after every stylized earlier frame of the shot, with the number of frames done
                and the number of frames in all.

        Returns:
            How the request was answered.

        Raises:
            VstError: Settings are invalid, weights are missing or damaged, or the source changes during
                the request.
        """
        settings = request.settings
        check_parameters(settings, request.editor)
        working = working_size(request.clip.width, request.clip.height, settings.style_scale)
        session = self._sessions.find(request)
        seconds_before = session.seconds
        key = _key(session, request, working)
        run = self._run(request)
        if request.clip.temporal and (session.temporal or session.keeps_borders):
            run.begin(request.index, request.interactive)
        else:
            run.clear()  # no state depends on frame indices
        for _ in range(_MAX_ATTEMPTS):
            source = SourceFrames(
                request,
                run,
                provider,
                frames,
                working,
                self._caches.working_frames,
                self._caches.small_frames,
                self._caches.cuts,
            )
            try:
                follows = session.temporal or request.index - 1 in run.chained_hashes
                digest = source.fetch_current(verify=follows)
                frame = source.frame(request.index)
                exact: ShotFrame | None
                if self._is_alone(session, frame, request):
                    exact = self._stylize_alone(session, source, key, digest, request)
                elif request.clip.temporal:
                    exact = self._stylize_in_shot(session, source, key, run, request, progress)
                else:
                    exact = self._stylize_in_stream(session, frame, digest, key, request)
                if exact is not None:
                    self._write_exact(source, exact, request, frames)
                else:
                    stylized = self._stylize_approximately(session, source, key, request, progress)
                    frames.slot(RESULT).copy_(_composed(source, stylized, request, frames))
            except SourceChanged:
                _log.info("frame %d: a source frame has changed; starting again", request.index)
                run.clear()
                continue
            run.end()
            return RequestOutcome(exact is None, session.seconds - seconds_before)
        raise VstError(
            f"frame {request.index} is missing, or source frames changed during the request; "
            "render it again when the source no longer changes"
        )

    def _run(self, request: Request) -> RequestRun:
        run = self._runs.setdefault(request.run, RequestRun())
        self._runs.move_to_end(request.run)
        while len(self._runs) > _MAX_RUNS:
            oldest, _ = self._runs.popitem(last=False)
            self._approximate.pop(oldest, None)
        return run

    def _stream(self, request: Request) -> FrameStream:
        stream = self._streams.get(request.run)
        if stream is None:
            stream = (self._store.load(request.run) if self._store is not None else None) or FrameStream()
            self._streams[request.run] = stream
        self._streams.move_to_end(request.run)
        while len(self._streams) > _MAX_RUNS:
            oldest, _ = self._streams.popitem(last=False)
            if self._store is not None:
                self._store.drop(oldest)
        return stream

    def _stylize_alone(
        self, session: ReplaySession, source: SourceFrames, key: bytes, digest: bytes, request: Request
    ) -> ShotFrame:
        """The stylized frame of a mode without temporal state, where it has no borders."""
        chained_hash = first_chained_hash(digest)
        stylized = self._caches.find(key, chained_hash, 0)
        if stylized is None:
            step = session.step(source.frame(request.index), None, 0, request.settings.seed)
            stylized = step.stylized, step.borders
            self._caches.stylized.put((key, chained_hash), {0: stylized})
        return ShotFrame(key, chained_hash, stylized)

    def _is_alone(self, session: ReplaySession, frame: ClipFrame, request: Request) -> bool:
        """Whether a stylized frame depends on no other: neither on its stylization nor on its borders."""
        if session.temporal:
            return False
        return not session.keeps_borders or (request.clip.temporal and not frame.look.possible)

    def _stylize_in_stream(
        self, session: ReplaySession, frame: ClipFrame, digest: bytes, key: bytes, request: Request
    ) -> ShotFrame:
        """The stylized frame where the host gives no frame but the current one."""
        if session.interval > 1 and request.settings.look_ahead and request.run not in self._streams:
            _log.info(
                "%s: the host gives no later frames; keyframes are propagated forwards alone, as with "
                "--look-ahead 0",
                request.run,
            )
        stream = self._stream(request)
        inside = stream.stylize(
            session, key, request.time, request.clip.gap, digest, frame, request.settings.seed
        )
        if self._store is not None:
            self._store.save(request.run, stream)
        return ShotFrame(key, stream.chained_hash, (inside, stream.borders))

    def _stylize_in_shot(
        self,
        session: ReplaySession,
        source: SourceFrames,
        key: bytes,
        run: RequestRun,
        request: Request,
        progress: Callable[[int, int], None],
    ) -> ShotFrame | None:
        """The stylized frame where the host gives all frames; None if it can only be approximate."""
        seed, index = request.settings.seed, request.index
        replay = ShotReplay(session, source, ShotChain(source, run), self._caches, key, seed, progress)
        earliest = index - request.limit if request.interactive else None
        if request.settings.look_ahead and session.interval > 1:
            return replay.with_look_ahead(index, earliest)
        return replay.forwards(index, earliest)

    def _stylize_approximately(
        self,
        session: ReplaySession,
        source: SourceFrames,
        key: bytes,
        request: Request,
        progress: Callable[[int, int], None],
    ) -> StylizedFrame:
        """The stylized frame if the shot started `limit` frames before it.

        The frame after an approximate one continues from its state.
        """
        index = request.index
        last = self._approximate.get(request.run)
        state, state_index, position = None, index - request.limit - 1, -1
        if last is not None and last.key == key and last.digest == source.hash_of(last.index):
            if last.index == index:
                return last.step.stylized, last.step.borders
            if last.index == index - 1:
                state, state_index, position = last.step.state, last.index, last.position
        numbers, seed = range(state_index + 1, index + 1), request.settings.seed
        after = None
        for number, after in session.replay(source.frame, numbers, state, position + 1, seed):
            if number < index and isinstance(after, ReplayStep):
                progress(number - state_index, len(numbers))
        assert isinstance(after, ReplayStep)
        self._approximate[request.run] = _ApproximateFrame(
            key, index, source.hash_of(index) or b"", position + len(numbers), after
        )
        return after.stylized, after.borders

    def _write_exact(
        self, source: SourceFrames, frame: ShotFrame, request: Request, frames: SharedFrames
    ) -> None:
        """Write the result of a frame to its slot, and cache it."""
        name = (frame.key, frame.name, request.settings.strength, request.settings.keep_color)
        result = self._caches.results.get(name)
        if result is None:
            result = _composed(source, frame.stylized, request, frames)
            # At strength 0 the result is the frame itself, a view of the shared memory.
            is_view = request.settings.strength == 0 and not request.clip.linear
            self._caches.results.put(name, result.clone() if is_view else result)
        frames.slot(RESULT).copy_(result)


def _composed(
    source: SourceFrames, stylized: StylizedFrame, request: Request, frames: SharedFrames
) -> Tensor:
    """A stylized frame, upsampled and postprocessed, with its borders."""
    image, borders = stylized
    picture = borders.inside(source.current_image())
    working = picture if image.shape == picture.shape else source.image(request.index, borders)
    colour = KEEP if request.settings.keep_color else STYLE
    postprocess = Postprocess(request.settings.strength, colour)
    result = StylizerSession(None, None, postprocess).compose(image, working, picture)
    result = to_linear(result) if request.clip.linear else result
    return paste(frames.slot(CURRENT), result, borders) if borders else result


def _key(session: ReplaySession, request: Request, working: tuple[int, int]) -> bytes:
    """All that the pixels of a stylized frame depend on except the source frames."""
    clip = request.clip
    return (
        session.fingerprint
        + repr((clip.width, clip.height, working, clip.linear, request.settings.seed)).encode()
    )
