"""One process at a time in a run's folder, on one machine or on many that share a file system.

The lock is a file that says who holds it, and that its holder touches every few seconds. Locks of the kernel are freed
by themselves when a process dies, but not every shared file system has them; a file alone would outlive kill -9. A
holder on this machine is dead when its process is; a holder on another one is dead when its file is touched no more.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vae_exp.errors import UserError
from vae_exp.files import write_whole

NAME = "run.lock"
BEAT_SECONDS = 10.0
"""Time between two touches."""
STALE_SECONDS = 60.0
"""Time without a touch after which a holder elsewhere is dead."""

Holder = dict[str, Any]


class BusyError(UserError):
    """Another process is at work in the folder."""


@contextmanager
def held(folder: Path, *, beat: float = BEAT_SECONDS, stale: float = STALE_SECONDS) -> Iterator[None]:
    """Hold the lock of a folder while the block runs.

    Takes no time where the lock is free or its holder was on this machine. For a holder elsewhere, it waits until that
    touches its file (then it is alive), at most `stale` seconds.

    Args:
        folder: Exists.
        beat: Seconds between two touches.
        stale: Seconds without a touch after which a holder elsewhere is dead; several times `beat`.

    Raises:
        BusyError: A living process holds it.
    """
    path, me = folder / NAME, {**_this_process(), "token": uuid.uuid4().hex}
    _acquire(path, me, stale)
    stop = threading.Event()
    thread = threading.Thread(target=_touch, args=(path, me, beat, stop), name="run lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if _read(path) == me:
            path.unlink(missing_ok=True)


def holder(folder: Path, *, stale: float = STALE_SECONDS) -> Holder | None:
    """Who is at work in a folder, by a look that does not wait; None where nobody is.

    Args:
        folder: A run's folder.
        stale: As in `held`; the age of the file is that by this machine's clock.
    """
    path = folder / NAME
    found = _read(path)
    if found is None:
        return None
    alive = _lives_here(found)
    if alive is None:
        try:
            alive = time.time() - path.stat().st_mtime < stale
        except FileNotFoundError:
            return None
    return found if alive else None


def _acquire(path: Path, me: Holder, stale: float) -> None:
    while True:
        if _create(path, me):
            return
        found = _read(path)
        if found is None:  # given back a moment ago
            continue
        if _is_alive(path, found, stale):
            raise BusyError(
                f"{path.parent} is being worked on by process {found.get('pid')} on {found.get('host')}; "
                "wait for it, or stop it"
            )
        if _take_over(path, found, me, stale):
            return


def _create(path: Path, content: Holder) -> bool:
    """Make the file with its content, in one step, unless it is there."""
    mine = path.with_name(f".{path.name}.{content['token']}")
    write_whole(mine, json.dumps(content))
    try:
        os.link(mine, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            with path.open("x") as file:
                file.write(json.dumps(content))
        except FileExistsError:
            return False
    finally:
        mine.unlink(missing_ok=True)
    return True


def _take_over(path: Path, dead: Holder, me: Holder, stale: float) -> bool:
    """Put our file in the place of a dead holder's. Of several that try, one does."""
    claim = path.with_name(f".{path.name}.claim.{dead.get('token')}")
    if not _create(claim, me):
        rival = _read(claim)
        if rival is not None and not _is_alive(claim, rival, stale):
            claim.unlink(missing_ok=True)  # died between the two steps
        time.sleep(0.05)
        return False
    try:
        if _read(path) != dead:
            return False
        write_whole(path, json.dumps(me))
        return True
    finally:
        claim.unlink(missing_ok=True)


def _is_alive(path: Path, found: Holder, stale: float) -> bool:
    here = _lives_here(found)
    if here is not None:
        return here
    first, end = _touched(path), time.monotonic() + stale
    while time.monotonic() < end:
        time.sleep(min(1.0, stale / 20))
        now = _touched(path)
        if now is None or _read(path) != found:  # given back; whoever has it now is another question
            return False
        if now != first:
            return True
    return False


def _touched(path: Path) -> int | None:
    try:
        with path.open() as file:  # a file that is opened is asked for anew, which NFS does not do for a mere stat
            return os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None


def _touch(path: Path, me: Holder, beat: float, stop: threading.Event) -> None:
    while not stop.wait(beat):
        with suppress(OSError):  # a server that is away for a while is no reason to end a run
            found = _read(path)
            if found is not None and found != me:
                # This process was asleep for so long that another one went on with the run.
                os.kill(os.getpid(), signal.SIGTERM)
                return
            os.utime(path)


def _read(path: Path) -> Holder | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8") or "{}")
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lives_here(found: Holder) -> bool | None:
    """Whether a holder of this machine is alive; None for those of others, or of another container."""
    me = _this_process()
    if found.get("machine") != me["machine"] or not isinstance(found.get("pid"), int):
        return None
    try:
        os.kill(found["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, and alive
        pass
    return _start_time(found["pid"]) == found.get("started")


def _this_process() -> Holder:
    pid = os.getpid()
    return {"host": platform.node(), "machine": _machine(), "pid": pid, "started": _start_time(pid)}


def _machine() -> str:
    """What tells processes whose numbers can be compared: the host, since its start, and the container."""
    boot, namespace = "", ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return f"{platform.node()} {boot} {namespace}"


def _start_time(pid: int) -> str | None:
    """When a process began, which tells it from a later one of the same number; None where that is not known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]
