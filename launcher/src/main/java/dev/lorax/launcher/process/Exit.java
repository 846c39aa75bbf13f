package dev.lorax.launcher.process;

import java.util.Map;

/** How a member ended. */
public sealed interface Exit {

  /** For a sentence that starts with the member's name. */
  String description();

  /** Whether somebody else ended it, so that its own last words say nothing about why. */
  boolean fromOutside();

  /** The process ended; the code is as a shell reports it: 128 + signal number after a signal. */
  record Code(int value) implements Exit {

    private static final int SIGNAL_BASE = 128;
    private static final Map<Integer, String> SIGNALS =
        Map.of(1, "SIGHUP", 2, "SIGINT", 6, "SIGABRT", 9, "SIGKILL", 11, "SIGSEGV", 15, "SIGTERM");

    @Override
    public String description() {
      var signal = SIGNALS.get(value - SIGNAL_BASE);
      return signal == null ? "exited with code " + value : "was ended by " + signal;
    }

    @Override
    public boolean fromOutside() {
      return value == SIGNAL_BASE + PosixSignal.SIGKILL.number()
          || value == SIGNAL_BASE + PosixSignal.SIGTERM.number();
    }
  }

  /** Nobody can tell any more: the container that held the process is gone. */
  record Lost(String reason) implements Exit {

    @Override
    public String description() {
      return "was lost: " + reason;
    }

    @Override
    public boolean fromOutside() {
      return true;
    }
  }
}
