package dev.lorax.options;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The environment variables, of options and others. Confined to a thread.
 *
 * <p>The names are upstream's and therefore common words, so two kinds of value that nobody meant
 * for us are left out: what Kubernetes injects for a Service that happens to be called {@code
 * master} ({@code MASTER_PORT=tcp://10.0.0.7:80}), and a name where an address is wanted, because
 * every pod and most shells set HOSTNAME to one.
 */
public final class Environment {

  private static final List<String> SERVICE_LINKS = List.of("tcp://", "udp://", "sctp://");

  private static final List<String> FALSE = List.of("0", "false", "no", "off", "n", "f");

  private final Map<String, String> variables;
  private final Map<String, String> ignored = new TreeMap<>();
  private final Map<String, String> taken = new LinkedHashMap<>();

  public Environment(Map<String, String> variables) {
    this.variables = Map.copyOf(variables);
  }

  /** Values that were set but not meant for us: variable to reason. */
  public Map<String, String> ignored() {
    return Map.copyOf(ignored);
  }

  /** Options that {@link #wordsFor} took a value for, and their variables. */
  public Map<String, String> taken() {
    return Map.copyOf(taken);
  }

  /**
   * What the variables say about the options that the line leaves out, as more words of the line:
   * so both are read by the same rules, and all that is wrong with them is found at once.
   */
  List<String> wordsFor(List<Option<?>> options, OptionReader line) {
    List<String> words = new ArrayList<>();
    for (var option : options) {
      String variable = option.variable();
      String value = variable == null || line.has(option) ? null : get(variable);
      if (variable == null || value == null || isHostName(option, value)) {
        continue;
      }
      String name = option.name();
      if (option.kind().needsValue()) {
        words.add(name + "=" + value);
        taken.put(name, variable);
      } else if (!FALSE.contains(value.toLowerCase(Locale.ROOT))) {
        words.add(name);
        taken.put(name, variable);
      }
    }
    return words;
  }

  /** The first of the variables that is set. */
  public @Nullable String first(String... names) {
    for (var name : names) {
      String value = get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  /** Without the white space around it; a variable that is empty counts as not set. */
  public @Nullable String get(String name) {
    String value = variables.getOrDefault(name, "").strip();
    if (value.isEmpty()) {
      return null;
    }
    for (var link : SERVICE_LINKS) {
      if (value.startsWith(link)) {
        ignored.put(name, value + " is a Kubernetes service link; set enableServiceLinks: false");
        return null;
      }
    }
    return value;
  }

  private static boolean isHostName(Option<?> option, String value) {
    return option.kind() == Kind.ADDRESS && !Kind.ADDRESS.reads(value);
  }
}
