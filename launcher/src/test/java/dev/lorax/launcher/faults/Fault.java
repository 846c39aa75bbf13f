package dev.lorax.launcher.faults;

import java.util.stream.Stream;

/** What goes wrong. */
interface Fault {

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
            Stream.of(Surroundings.values())
                .filter(fault -> fault.toString().equals(words))
                .map(Fault.class::cast)
                .findFirst())
        .orElseThrow(() -> new IllegalArgumentException("no fault is called " + words));
  }
}
