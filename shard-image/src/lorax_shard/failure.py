"""Why a shard cannot go on, in words for programs."""

from enum import StrEnum
from typing import ClassVar


class FailureCode(StrEnum):
    """The launcher's words, as far as a shard needs them; docs/launcher.md says what to do."""

    WRONG_ARGUMENTS = "WrongArguments"
    MODEL_NOT_FOUND = "ModelNotFound"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    CORRUPT_FILE = "CorruptFile"
    UNSUPPORTED_MODEL = "UnsupportedModel"
    NO_DEVICE = "NoDevice"
    OUT_OF_MEMORY = "OutOfMemory"
    STEP_TIMED_OUT = "StepTimedOut"
    DEVICE_FAILED = "DeviceFailed"
    SHARD_FAILED = "ShardFailed"


class CodedError(ValueError):
    """An error whose message is one sentence for a person, and whose class has a code."""

    code: ClassVar[FailureCode] = FailureCode.SHARD_FAILED
