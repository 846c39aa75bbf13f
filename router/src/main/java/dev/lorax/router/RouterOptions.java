package dev.lorax.router;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The options as typed. Each can also be set in the environment, under its name in capitals with
 * underscores. Read without a library, because one that finds options by reflection takes longer
 * for it than the router for its tokenizer. What they mean stands in {@code help.txt}.
 */
final class RouterOptions {
  private static final String ANY_ADDRESS = "0.0.0.0";
  private static final Pattern IP = Pattern.compile("[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*");

  /** Names and defaults. */
  private static final List<String> ALL =
      List.of(
          "--max-concurrent-requests=1024",
          "--max-best-of=2",
          "--max-stop-sequences=10",
          "--max-input-length=1792",
          "--max-total-tokens=2048",
          "--waiting-served-ratio=0.3",
          "--max-batch-prefill-tokens=4096",
          "--max-batch-total-tokens",
          "--max-waiting-tokens=20",
          "--max-active-adapters=128",
          "--adapter-cycle-time-s=2",
          "--adapter-source=hub",
          "--hostname=" + ANY_ADDRESS,
          "--port=3000",
          "--master-shard-uds-path=/tmp/lorax-server-0",
          "--tokenizer-name",
          "--model-id",
          "--revision",
          "--validation-workers=2",
          "--eager-prefill=false",
          "--json-output=false",
          "--max-queue-wait-s=120",
          "--max-queue-tokens",
          "--max-request-s=3600",
          "--queue-order=fair",
          "--lame-duck-s=0",
          "--api-keys-file",
          "--drain-timeout-s=75",
          "--shard-connect-timeout-s=60");

  /** They need no value. */
  private static final Set<String> SWITCHES =
      Set.of("--eager-prefill", "--json-output", "--help", "--version");

  private static final Map<String, String> SHORT =
      Map.of("-p", "--port", "-h", "--help", "-V", "--version");

  private static final Set<String> OFF = Set.of("0", "false", "no", "off", "n", "f");

  private final Map<String, @Nullable String> defaults = new LinkedHashMap<>();
  private final Map<String, String> typed = new HashMap<>();
  private final OptionProblems problems;

  private RouterOptions(OptionProblems problems) {
    this.problems = problems;
    for (String option : ALL) {
      String[] parts = option.split("=", 2);
      defaults.put(parts[0], parts.length == 1 ? null : parts[1]);
    }
  }

  static RouterOptions read(
      List<String> arguments, Map<String, String> environment, OptionProblems problems) {
    var options = new RouterOptions(problems);
    options.readLine(new ArrayDeque<>(arguments));
    for (String name : options.defaults.keySet()) {
      String value = fromEnvironment(name, environment);
      if (value != null) {
        options.typed.putIfAbsent(name, value);
      }
    }
    return options;
  }

  /** Names of all options that have a value, and their defaults. */
  static Map<String, @Nullable String> offered() {
    return new RouterOptions(new OptionProblems()).defaults;
  }

  /** Of an option with a default. */
  String value(String option) {
    String value = optional(option);
    if (value == null) {
      throw new IllegalArgumentException(option + " has no default");
    }
    return value;
  }

  @Nullable String optional(String option) {
    String value = typed.get(option);
    return value == null ? defaults.get(option) : value;
  }

  boolean isOn(String option) {
    return Boolean.parseBoolean(optional(option));
  }

  /** As a command line. The text of a record would be compiled at every start, for one log line. */
  String inEffect() {
    var line = new StringJoiner(" ");
    for (String option : defaults.keySet()) {
      String value = optional(option);
      if (value != null) {
        line.add(option + "=" + value);
      }
    }
    return line.toString();
  }

  static boolean isAddress(String value) {
    return IP.matcher(value).matches();
  }

  private void readLine(Deque<String> words) {
    while (!words.isEmpty()) {
      String word = words.remove();
      int equals = word.indexOf('=');
      String option = name(equals < 0 ? word : word.substring(0, equals));
      if (option != null && equals >= 0) {
        take(option, word.substring(equals + 1));
      } else if (option != null) {
        takeNext(option, words);
      } else if (!readLetters(word, words) && !word.equals("--")) {
        problems.add("unknown argument `%s`".formatted(word));
      }
    }
  }

  /** As in {@code -p80}, or several switches behind one dash. */
  private boolean readLetters(String word, Deque<String> words) {
    String option = word.length() > 2 ? SHORT.get(word.substring(0, 2)) : null;
    if (option == null) {
      return false;
    }
    if (SWITCHES.contains(option)) {
      take(option, "true");
      words.push("-" + word.substring(2));
    } else {
      take(option, word.substring(2));
    }
    return true;
  }

  private void takeNext(String option, Deque<String> words) {
    if (SWITCHES.contains(option)) {
      take(option, "true");
    } else if (words.isEmpty() || name(words.element().split("=", 2)[0]) != null) {
      problems.add("%s: expected a value, got nothing".formatted(option));
    } else {
      take(option, words.remove());
    }
  }

  private void take(String option, String value) {
    if (SWITCHES.contains(option) && !Set.of("true", "false").contains(value)) {
      problems.add("%s: expected true or false, got `%s`".formatted(option, value));
    } else if (typed.putIfAbsent(option, value) != null) {
      problems.add("%s: expected once, got it again".formatted(option));
    }
  }

  /** The long name, if it is one of an option. */
  private @Nullable String name(String word) {
    String name = SHORT.getOrDefault(word, word);
    return defaults.containsKey(name) || SWITCHES.contains(name) ? name : null;
  }

  private static @Nullable String fromEnvironment(String option, Map<String, String> environment) {
    String value = environment.get(option.substring(2).replace('-', '_').toUpperCase(Locale.ROOT));
    if (value == null || value.isEmpty()) {
      return null;
    }
    // In a pod HOSTNAME is the pod's name, which nobody meant as an address to listen on.
    if (option.equals("--hostname") && !isAddress(value)) {
      return ANY_ADDRESS;
    }
    // Upstream's reading of switches in the environment.
    return SWITCHES.contains(option)
        ? String.valueOf(!OFF.contains(value.toLowerCase(Locale.ROOT)))
        : value;
  }
}
