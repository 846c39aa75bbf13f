package dev.lorax.options;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Reads words as {@code --name value}, {@code --name=value}, {@code -n value} or {@code -nvalue},
 * and goes on after what it cannot read, so that everything is told at once. Confined to a thread.
 */
public final class OptionReader {

  private final List<Option<?>> known;
  private final Map<String, Option<?>> options = new HashMap<>();
  private final Map<String, List<String>> given = new HashMap<>();
  private final List<Trouble> troubles = new ArrayList<>();
  private final List<String> unknown = new ArrayList<>();

  /**
   * What is wrong with a value.
   *
   * @param option its long name
   * @param what "expected …, got …"
   */
  public record Trouble(String option, String what) {}

  public OptionReader(List<Option<?>> known) {
    this.known = List.copyOf(known);
    for (var option : known) {
      for (var name : option.names()) {
        options.put(name, option);
      }
    }
  }

  /** The words of a command line. */
  public void read(List<String> line) {
    Deque<String> rest = new ArrayDeque<>(line);
    while (!rest.isEmpty()) {
      String word = rest.remove();
      if (word.equals("--")) {
        unknown.addAll(rest);
        return;
      }
      if (!readLong(word, rest) && !readShort(word, rest)) {
        unknown.add(word);
      }
    }
  }

  /** The variables of the options that no word before named. */
  public void read(Environment environment) {
    read(environment.wordsFor(known, this));
  }

  /** Whether the option was named, with a value or without. */
  public boolean has(Option<?> option) {
    return given.containsKey(option.name());
  }

  /** The values as they were typed, of the option with this long name. */
  public List<String> given(String option) {
    return given.getOrDefault(option, List.of());
  }

  /** Words that are no options, and not the values of any. */
  public List<String> unknown() {
    return List.copyOf(unknown);
  }

  public List<Trouble> troubles() {
    return List.copyOf(troubles);
  }

  /** Says what could not be read as every other problem is said. */
  public void tell(Problems problems) {
    new ReadingProblems(problems, known).add(this);
  }

  /** Values and defaults in effect, as words that would be read again as the same. */
  public String inEffect() {
    var line = new StringJoiner(" ");
    for (var option : known) {
      String initial = option.typedInitial();
      List<String> values = given(option.name());
      if (values.isEmpty() && initial != null) {
        line.add(option.name() + "=" + initial);
      }
      for (var value : values) {
        line.add(option.name() + "=" + value);
      }
    }
    return line.toString();
  }

  private boolean readLong(String word, Deque<String> rest) {
    Option<?> option = named(word);
    if (option == null) {
      return false;
    }
    int equals = word.indexOf('=');
    if (equals >= 0) {
      take(option, word.substring(equals + 1));
    } else {
      takeFrom(rest, option);
    }
    return true;
  }

  /** Switches of one letter may share a dash, and the last letter may be followed by its value. */
  private boolean readShort(String word, Deque<String> rest) {
    if (word.length() < 3 || word.startsWith("--")) {
      return false;
    }
    Option<?> option = options.get(word.substring(0, 2));
    if (option == null) {
      return false;
    }
    if (option.kind().needsValue()) {
      take(option, word.substring(2));
    } else {
      take(option, "true");
      rest.push("-" + word.substring(2));
    }
    return true;
  }

  private void takeFrom(Deque<String> rest, Option<?> option) {
    if (!option.kind().needsValue()) {
      take(option, "true");
    } else if (rest.isEmpty() || named(rest.element()) != null) {
      given.computeIfAbsent(option.name(), same -> new ArrayList<>());
      trouble(option, "expected %s, got nothing".formatted(option.kind().expected()));
    } else {
      take(option, rest.remove());
    }
  }

  private @Nullable Option<?> named(String word) {
    int equals = word.indexOf('=');
    return options.get(equals < 0 ? word : word.substring(0, equals));
  }

  private void take(Option<?> option, String text) {
    List<String> before = given.computeIfAbsent(option.name(), same -> new ArrayList<>());
    String separator = option.separator();
    if (separator == null && !before.isEmpty()) {
      trouble(option, "expected once, got it again");
      return;
    }
    before.add(text);
    int start = 0;
    if (separator != null) {
      for (int end; (end = text.indexOf(separator, start)) >= 0; start = end + separator.length()) {
        takeOne(option, text.substring(start, end));
      }
    }
    takeOne(option, text.substring(start));
  }

  private <T> void takeOne(Option<T> option, String value) {
    try {
      option.taker().accept(option.kind().reading().apply(value));
    } catch (IllegalArgumentException unreadable) {
      trouble(option, "expected %s, got %s".formatted(option.kind().expected(), value));
    }
  }

  private void trouble(Option<?> option, String what) {
    troubles.add(new Trouble(option.name(), what));
  }
}
