package dev.lorax.launcher.faults;

import java.util.stream.Stream;

/** What goes wrong. */
interface Fault {

  /** What every process of the case sees mounted. */
  default Mounts mounts() {
    return Mounts.NONE;
  }

  /** Arranges the surroundings before the launcher starts. */
  default void prepare(Scene scene) throws Exception {}

  /** Strikes when the launcher is where the row wants it. */
  default void strike(Scene scene) throws Exception {}

  /** Whether what holds the launcher at its moment goes away with the strike. */
  default boolean endsTheWait() {
    return true;
  }

  static Fault parse(String words) {
    return SignalFault.parse(words)
        .or(() ->
            Stream.of(
                    Surroundings.values(),
                    ModelTrouble.values(),
                    SourceTrouble.values(),
                    VolumeTrouble.values(),
                    SharedMemoryTrouble.values())
                .<Fault>flatMap(Stream::of)
                .filter(fault -> fault.toString().equals(words))
                .findFirst())
        .orElseThrow(() -> new IllegalArgumentException("no fault is called " + words));
  }
}
