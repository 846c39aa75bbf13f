package dev.lorax.launcher.options;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Reads words as {@code --name value}, {@code --name=value}, {@code -n value} or {@code -nvalue},
 * and goes on after what it cannot read, so that everything is told at once. Confined to a thread.
 */
public final class OptionReader {

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

  public OptionReader(List<Option<?>> options) {
    options.forEach(option -> option.names().forEach(name -> this.options.put(name, option)));
  }

  /** May be called again with more words. */
  public void read(List<String> words) {
    Deque<String> rest = new ArrayDeque<>(words);
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

  private boolean readLong(String word, Deque<String> rest) {
    int equals = word.indexOf('=');
    Option<?> option = options.get(equals < 0 ? word : word.substring(0, equals));
    if (option == null) {
      return false;
    }
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
    } else if (rest.isEmpty() || isOption(rest.element())) {
      given.computeIfAbsent(option.name(), same -> new ArrayList<>());
      trouble(option, "expected %s, got nothing".formatted(option.kind().expected()));
    } else {
      take(option, rest.remove());
    }
  }

  private boolean isOption(String word) {
    int equals = word.indexOf('=');
    return options.containsKey(equals < 0 ? word : word.substring(0, equals));
  }

  private <T> void take(Option<T> option, String text) {
    List<String> before = given.computeIfAbsent(option.name(), same -> new ArrayList<>());
    if (!before.isEmpty() && option.separator() == null) {
      trouble(option, "expected once, got it again");
      return;
    }
    before.add(text);
    String separator = option.separator();
    String[] values =
        separator == null ? new String[] {text} : text.split(Pattern.quote(separator), -1);
    for (var value : values) {
      try {
        option.taker().accept(option.kind().reading().apply(value));
      } catch (IllegalArgumentException unreadable) {
        trouble(option, "expected %s, got %s".formatted(option.kind().expected(), value));
      }
    }
  }

  private void trouble(Option<?> option, String what) {
    troubles.add(new Trouble(option.name(), what));
  }
}
