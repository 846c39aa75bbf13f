package dev.lorax.operator;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/** Reads values of an environment and collects what is wrong with them. Confined to one thread. */
final class EnvironmentReader {

  private final Map<String, String> environment;
  private final List<String> errors = new ArrayList<>();

  EnvironmentReader(Map<String, String> environment) {
    this.environment = environment;
  }

  String required(String key, String expected) {
    String value = environment.getOrDefault(key, "");
    if (value.isBlank()) {
      errors.add("%s: expected %s, got nothing".formatted(key, expected));
    }
    return value;
  }

  String optional(String key, String otherwise) {
    String value = environment.getOrDefault(key, "");
    return value.isBlank() ? otherwise : value;
  }

  /** Comma-separated, in no order. */
  Set<String> list(String key) {
    var values = new TreeSet<String>();
    Arrays.stream(optional(key, "").split(",", -1))
        .map(String::strip)
        .filter(Predicate.not(String::isEmpty))
        .forEach(values::add);
    return values;
  }

  boolean flag(String key, boolean otherwise) {
    String value = optional(key, String.valueOf(otherwise));
    return switch (value) {
      case "true" -> true;
      case "false" -> false;
      default -> {
        errors.add("%s: expected true or false, got %s".formatted(key, value));
        yield otherwise;
      }
    };
  }

  int port(String key, int otherwise) {
    String value = optional(key, String.valueOf(otherwise));
    if (value.matches("\\d{1,5}") && Integer.parseInt(value) <= 65_535) {
      return Integer.parseInt(value);
    }
    errors.add("%s: expected a port from 0 to 65535, got %s".formatted(key, value));
    return otherwise;
  }

  /** Whole seconds from {@code least} to {@code most}. */
  Duration seconds(String key, int otherwise, int least, int most) {
    String value = optional(key, String.valueOf(otherwise));
    if (value.matches("\\d{1,9}")
        && Integer.parseInt(value) >= least
        && Integer.parseInt(value) <= most) {
      return Duration.ofSeconds(Integer.parseInt(value));
    }
    errors.add("%s: expected %d to %d seconds, got %s".formatted(key, least, most, value));
    return Duration.ofSeconds(otherwise);
  }

  void throwIfAnyWrong() {
    if (!errors.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", errors));
    }
  }
}
