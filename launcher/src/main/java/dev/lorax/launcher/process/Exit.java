package dev.lorax.launcher.process;

import java.util.Map;
import java.util.OptionalLong;

/** How a member ended. */
public sealed interface Exit {

  /** For a sentence that starts with the member's name. */
  String description();

  /** The process ended; the code is as a shell reports it: 128 + signal number after a signal. */
  record Code(int value) implements Exit {

    private static final int SIGNAL_BASE = 128;
    private static final Map<Integer, String> SIGNALS =
        Map.of(
            1,
            "SIGHUP",
            2,
            "SIGINT",
            4,
            "SIGILL",
            6,
            "SIGABRT",
            7,
            "SIGBUS, as a full /dev/shm does it",
            8,
            "SIGFPE",
            9,
            "SIGKILL",
            11,
            "SIGSEGV",
            15,
            "SIGTERM");

    @Override
    public String description() {
      var signal = SIGNALS.get(value - SIGNAL_BASE);
      return signal == null ? "exited with code " + value : "was ended by " + signal;
    }

    public boolean bySignal() {
      return value > SIGNAL_BASE;
    }

    /** Whether somebody else ended it, so that its own last words say nothing about why. */
    public boolean fromOutside() {
      return value == SIGNAL_BASE + PosixSignal.SIGKILL.number()
          || value == SIGNAL_BASE + PosixSignal.SIGTERM.number();
    }
  }

  /**
   * A SIGKILL that was not ours.
   *
   * @param proven the kernel counted it as a kill for want of memory; otherwise that is a guess,
   *     because the kernel's count cannot be read
   * @param limitBytes of the place where it ran, where known
   */
  record OutOfMemory(boolean proven, OptionalLong limitBytes) implements Exit {

    public static final int EXIT_CODE = 137;

    private static final double GIB = 1024.0 * 1024 * 1024;

    @Override
    public String description() {
      String limit =
          limitBytes.isPresent()
              ? ", memory limit %.1f GiB".formatted(limitBytes.getAsLong() / GIB)
              : "";
      return proven
          ? "was ended by the kernel's out-of-memory killer" + limit
          : "was ended by SIGKILL, perhaps by the kernel's out-of-memory killer" + limit;
    }
  }

  /** Nobody can tell any more: the container that held the process is gone. */
  record Lost(String reason) implements Exit {

    @Override
    public String description() {
      return "was lost: " + reason;
    }
  }

  /** It was stopped with its container, which somebody stopped on purpose. */
  record Left() implements Exit {

    @Override
    public String description() {
      return "left with its container, which was told to stop";
    }
  }
}
