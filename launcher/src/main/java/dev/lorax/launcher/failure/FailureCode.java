package dev.lorax.launcher.failure;

import java.net.BindException;
import java.nio.file.AccessDeniedException;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Why something failed, in one word that stays the same when its sentence is put better. It stands
 * in the termination log and in {@code /status}, and becomes the reason of a condition.
 *
 * <p>docs/launcher.md says of each what to do. Shards that know codes use the same words.
 */
public enum FailureCode {
  /** An option, a variable or an id is not one that can be. */
  WRONG_ARGUMENTS,
  /** The source has no such model, adapter, revision, bucket, file or directory. */
  MODEL_NOT_FOUND,
  /** The source does not accept the token or the keys. */
  WRONG_TOKEN,
  /** Somebody must accept the model's terms first. */
  GATED_MODEL,
  /** The source knows who asks, and does not let them read. */
  ACCESS_DENIED,
  /** The source cannot be reached, or does not do what its kind does. */
  SOURCE_UNREACHABLE,
  /** Offline, and the cache does not hold it. */
  NOT_IN_CACHE,
  /** Files that are needed are missing. */
  INCOMPLETE_MODEL,
  /** The router's file of API keys is missing or not what it should be. */
  WRONG_API_KEYS,
  /** The router's certificate or its key is missing, or they do not belong together. */
  WRONG_CERTIFICATE,
  /** A file is cut off, damaged, or not what its name says. */
  CORRUPT_FILE,
  /** A checkpoint wants to run code. */
  UNSAFE_FILE,
  /** Its architecture, its format or its number format is not supported. */
  UNSUPPORTED_MODEL,
  /** The volume has no space left, or will not have enough. */
  DISK_FULL,
  /** The volume cannot be written. */
  READ_ONLY_VOLUME,
  /** There is no GPU, or not one for each shard. */
  NO_DEVICE,
  /** Shared memory is missing or too small. */
  NO_SHARED_MEMORY,
  /** Another process listens where we want to. */
  PORT_TAKEN,
  /** Another launcher uses the directory. */
  DIRECTORY_IN_USE,
  /** A program that is to be started is not installed. */
  PROGRAM_NOT_FOUND,
  /** A shard needs more memory than the device or the container has. */
  OUT_OF_MEMORY,
  /** The device fails every call until its process is replaced. */
  DEVICE_FAILED,
  /** A step of the model took too long. */
  STEP_TIMED_OUT,
  /** A process lives and does not answer. */
  NO_HEARTBEAT,
  /** A process was not ready in time. */
  START_TIMED_OUT,
  /** The container of a process is gone, or never came. */
  CONTAINER_LOST,
  /** A shard ended, and did not say why in a word of these. */
  SHARD_FAILED,
  /** The router ended, and did not say why in a word of these. */
  ROUTER_FAILED,
  /** Nothing of the above. */
  UNEXPECTED;

  /** As it is written everywhere: ModelNotFound. */
  public String word() {
    return Arrays.stream(name().split("_"))
        .map(part -> part.charAt(0) + part.substring(1).toLowerCase(Locale.ROOT))
        .collect(Collectors.joining());
  }

  /** Empty for a word that is none of these. */
  public static Optional<FailureCode> ofWord(@Nullable String word) {
    return Arrays.stream(values()).filter(code -> code.word().equals(word)).findFirst();
  }

  /** What the system's refusal means. Java passes it on as text alone. */
  public static FailureCode of(Exception failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String text = String.valueOf(cause.getMessage());
      if (cause instanceof BindException) {
        return PORT_TAKEN;
      }
      if (text.contains("No space left") || text.contains("Disk quota exceeded")) {
        return DISK_FULL;
      }
      if (cause instanceof AccessDeniedException
          || cause instanceof ReadOnlyFileSystemException
          || text.contains("Read-only file system")) {
        return READ_ONLY_VOLUME;
      }
    }
    return UNEXPECTED;
  }

  @Override
  public String toString() {
    return word();
  }
}
