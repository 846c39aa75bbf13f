package dev.lorax.options;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is wrong with the line and the environment, a sentence each: which option, what
 * was expected, what was found, what to do. Confined to the thread that parses.
 */
public final class Problems {

  private static final int LAST_PORT = 65_535;

  private final Map<String, String> variables;

  /** Two readers of one variable find the same. */
  private final Set<String> sentences = new LinkedHashSet<>();

  private boolean otherThanMissing;

  /** Takes the options whose value is that of their variable, and that variable. */
  public Problems(Map<String, String> variables) {
    this.variables = Map.copyOf(variables);
  }

  public List<String> sentences() {
    return List.copyOf(sentences);
  }

  /** Whether the options are right, but for what they name, which is not there. */
  public boolean onlyMissing() {
    return !sentences.isEmpty() && !otherThanMissing;
  }

  public void add(String sentence) {
    sentences.add(sentence);
    otherThanMissing = true;
  }

  /** Of an option, under the name by which it was set. */
  public void add(String option, String what) {
    add(sentence(option, what));
  }

  /** What the option names is not there. */
  public void missing(String option, String what) {
    sentences.add(sentence(option, what));
  }

  private String sentence(String option, String what) {
    String variable = variables.get(option);
    return variable == null
        ? "%s: %s".formatted(option, what)
        : "%s (%s): %s".formatted(variable, option, what);
  }

  public void expect(boolean holds, String option, String expected, @Nullable Object got) {
    if (!holds) {
      add(option, "expected %s, got %s".formatted(expected, got));
    }
  }

  public void expect(
      boolean holds, String option, String expected, @Nullable Object got, String advice) {
    if (!holds) {
      add(option, "expected %s, got %s; %s".formatted(expected, got, advice));
    }
  }

  public void atLeast(int least, String option, @Nullable Integer value) {
    expect(value == null || value >= least, option, "a number of at least " + least, value);
  }

  /** Two options of which each means nothing without the other. */
  public void together(
      String one, @Nullable Object value, String other, @Nullable Object otherValue) {
    expect(value == null || otherValue != null, one, "%s as well".formatted(other), "none");
    expect(otherValue == null || value != null, other, "%s as well".formatted(one), "none");
  }

  public void port(int least, String option, int value) {
    boolean holds = value >= least && value <= LAST_PORT;
    expect(holds, option, "a port from " + least + " to " + LAST_PORT, value);
  }

  /** A share above zero, or at least zero where nothing is a possible share. */
  public void share(boolean zeroToo, String option, double value) {
    boolean holds = (zeroToo ? value >= 0 : value > 0) && value <= 1;
    expect(holds, option, zeroToo ? "a number from 0 to 1" : "a number above 0 and up to 1", value);
  }

  /** A finite number that is not negative. */
  public void ratio(String option, double value) {
    expect(Double.isFinite(value) && value >= 0, option, "a number of at least 0", value);
  }

  public void positive(String option, Duration value) {
    if (!value.isPositive()) {
      expect(false, option, "a duration above zero", Kind.DURATION.spelling().apply(value));
    }
  }
}
