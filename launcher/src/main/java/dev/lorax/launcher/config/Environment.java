package dev.lorax.launcher.config;

import dev.lorax.launcher.options.Option;
import dev.lorax.launcher.options.OptionReader;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Options from environment variables: {@code --max-best-of} is also {@code MAX_BEST_OF}.
 *
 * <p>The names are upstream's and therefore common words, so two kinds of value that nobody meant
 * for us are left out: what Kubernetes injects for a Service that happens to be called {@code
 * master} ({@code MASTER_PORT=tcp://10.0.0.7:80}), and a HOSTNAME that is a name, as every pod and
 * most shells set it.
 */
final class Environment {

  private static final Pattern SERVICE_LINK = Pattern.compile("(tcp|udp|sctp)://.*");

  /** Ours, prefixed, because their plain words would be even more common. */
  private static final Map<String, String> OWN_NAMES =
      Map.of(
          "--device", "LORAX_DEVICE",
          "--adapter-root", "LORAX_ADAPTER_ROOTS",
          "--agent-dir", "LORAX_AGENT_DIR",
          "--termination-log", "LORAX_TERMINATION_LOG");

  /** They ask a question of the launcher; ENV, HELP and VERSION mean other things. */
  private static final Set<String> LINE_ONLY = Set.of("--env", "--help", "--version");

  private static final List<String> FALSE = List.of("0", "false", "no", "off", "n", "f");

  private final Map<String, String> variables;
  private final Map<String, String> ignored = new TreeMap<>();
  private final Set<String> taken = new LinkedHashSet<>();

  Environment(Map<String, String> variables) {
    this.variables = Map.copyOf(variables);
  }

  static boolean sets(String option) {
    return !LINE_ONLY.contains(option);
  }

  static String nameOf(String option) {
    return OWN_NAMES.getOrDefault(
        option, option.substring(2).replace('-', '_').toUpperCase(Locale.ROOT));
  }

  /** Values that were set but not meant for us: variable to reason. */
  Map<String, String> ignored() {
    return Map.copyOf(ignored);
  }

  /** Options that {@link #wordsFor} took a value for. */
  Set<String> taken() {
    return Set.copyOf(taken);
  }

  /**
   * What the variables say about the options that the line leaves out, as more words of the line:
   * so both are read by the same rules, and all that is wrong with them is found at once.
   */
  List<String> wordsFor(List<Option<?>> options, OptionReader line) {
    List<String> words = new ArrayList<>();
    for (var option : options) {
      String name = option.name();
      String value = sets(name) && !line.has(option) ? get(nameOf(name)) : null;
      if (value == null || (name.equals("--hostname") && !isAddress(value))) {
        continue;
      }
      if (option.kind().needsValue()) {
        words.add(name + "=" + value);
        taken.add(name);
      } else if (!FALSE.contains(value.toLowerCase(Locale.ROOT))) {
        words.add(name);
        taken.add(name);
      }
    }
    return words;
  }

  /** The first of the variables that is set. */
  @Nullable String first(String... names) {
    for (var name : names) {
      String value = get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  /** Without the white space around it; a variable that is empty counts as not set. */
  @Nullable String get(String name) {
    String value = variables.getOrDefault(name, "").strip();
    if (value.isEmpty()) {
      return null;
    }
    if (SERVICE_LINK.matcher(value).matches()) {
      ignored.put(
          name, "%s is a Kubernetes service link; set enableServiceLinks: false".formatted(value));
      return null;
    }
    return value;
  }

  private static boolean isAddress(String value) {
    try {
      InetAddress.ofLiteral(value);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
