package dev.lorax.launcher.status;

import java.util.Locale;

/** Kinds of reasons for which members are started again; label values in metrics. */
public enum FailureCause {
  /** The process ended itself with an ordinary code: what it was told cannot work. */
  EXITED,
  /** A step of the model took too long. */
  STEP_TIMEOUT,
  /** The device fails every call until the process is replaced. */
  CUDA_ERROR,
  /** The device's or the host's memory was too small. */
  OUT_OF_MEMORY,
  /** A crash, or somebody's kill. */
  SIGNAL,
  /** The process lives but does not answer. */
  HUNG,
  /** It was not ready in time. */
  LATE,
  /** It could not be started. */
  NOT_STARTED,
  /** Its container is gone. */
  LOST,
  /** Its container was stopped on purpose. */
  LEFT;

  /** As it stands in metrics and in /status. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
