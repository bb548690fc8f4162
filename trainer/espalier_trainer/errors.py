"""The failures that a user reads: a stable code, what happened, and the mend."""

from __future__ import annotations

import errno


class TrainerError(Exception):
    """A run failed for a reason that has a code of the contract (trainerErrorCode in schema/trainer.ts)."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Ended(Exception):
    """Not a failure: the work must stop here. What catches failures of a library lets this through."""


class Cancelled(Ended):
    """Someone asked to cancel the run; raised between batches."""


class LeaseLost(Ended):
    """The server gave the run to another attempt, deleted it, or stayed out of reach; nothing may be sent."""


class Stopping(Ended):
    """This process is asked to end; the run is handed back to the queue."""


class Refused(Exception):
    """The server will never accept this trainer (token, contract version); `exit_code` says which."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def as_trainer_error(error: BaseException) -> TrainerError:
    """Turns anything that a method raised into an error with a code; unknown ones are TRAINER_FAILED."""
    if isinstance(error, TrainerError):
        return error
    text = f"{type(error).__name__}: {error}"[:2000]
    lowered = text.lower()
    if isinstance(error, MemoryError) or any(
        sign in lowered for sign in ("outofmemory", "out of memory", "not enough memory", "can't allocate memory")
    ):
        return TrainerError(
            "OUT_OF_MEMORY",
            f"the trainer ran out of memory: {text}",
            "Lower per_device_train_batch_size (raise gradient_accumulation_steps to match) or max_length, "
            "or use dtype bf16.",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return TrainerError(
            "DISK_FULL",
            f"the trainer's disk is full: {text}",
            "Free space in the trainer's work folder, or start it with --work on another disk.",
        )
    return TrainerError("TRAINER_FAILED", text, "The trainer's own log has the whole stack; please report it.")
