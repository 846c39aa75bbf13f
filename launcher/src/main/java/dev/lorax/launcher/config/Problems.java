package dev.lorax.launcher.config;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.options.Kind;
import java.time.Duration;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is wrong with the line and the environment, a sentence each: which option, what
 * was expected, what was found, what to do. Confined to the thread that parses.
 */
final class Problems {

  private static final int LAST_PORT = 65_535;

  private final Set<String> fromEnvironment;

  /** Two readers of one variable find the same. */
  private final Map<String, FailureCode> sentences = new LinkedHashMap<>();

  /** Takes the options whose value is that of their variable. */
  Problems(Set<String> fromEnvironment) {
    this.fromEnvironment = Set.copyOf(fromEnvironment);
  }

  List<String> sentences() {
    return List.copyOf(sentences.keySet());
  }

  /** The one word for all of them, where they have one. */
  FailureCode code() {
    Set<FailureCode> codes = EnumSet.copyOf(sentences.values());
    return codes.size() == 1 ? codes.iterator().next() : FailureCode.WRONG_ARGUMENTS;
  }

  void add(String sentence) {
    sentences.put(sentence, FailureCode.WRONG_ARGUMENTS);
  }

  /** Of an option, under the name by which it was set. */
  void add(String option, String what) {
    add("%s: %s".formatted(nameOf(option), what));
  }

  /** What the option names is not there. */
  void missing(String option, String what) {
    sentences.put("%s: %s".formatted(nameOf(option), what), FailureCode.MODEL_NOT_FOUND);
  }

  private String nameOf(String option) {
    boolean variable = fromEnvironment.contains(option);
    return variable ? "%s (%s)".formatted(Environment.nameOf(option), option) : option;
  }

  void expect(boolean holds, String option, String expected, @Nullable Object got) {
    if (!holds) {
      add(option, "expected %s, got %s".formatted(expected, got));
    }
  }

  void expect(boolean holds, String option, String expected, @Nullable Object got, String advice) {
    if (!holds) {
      add(option, "expected %s, got %s; %s".formatted(expected, got, advice));
    }
  }

  void atLeast(int least, String option, @Nullable Integer value) {
    expect(
        value == null || value >= least, option, "a number of at least %d".formatted(least), value);
  }

  void port(int least, String option, int value) {
    boolean holds = value >= least && value <= LAST_PORT;
    expect(holds, option, "a port from %d to %d".formatted(least, LAST_PORT), value);
  }

  /** A share above zero, or at least zero where nothing is a possible share. */
  void share(boolean zeroToo, String option, double value) {
    boolean holds = (zeroToo ? value >= 0 : value > 0) && value <= 1;
    expect(holds, option, zeroToo ? "a number from 0 to 1" : "a number above 0 and up to 1", value);
  }

  void positive(String option, Duration value) {
    expect(
        value.isPositive(), option, "a duration above zero", Kind.DURATION.spelling().apply(value));
  }
}
