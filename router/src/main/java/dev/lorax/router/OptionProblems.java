package dev.lorax.router;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads option values and gathers everything that is wrong with them. Confined to the main thread.
 */
final class OptionProblems {
  private final List<String> problems = new ArrayList<>();

  void add(String problem) {
    problems.add(problem);
  }

  List<String> all() {
    return List.copyOf(problems);
  }

  int integer(String option, String value, int least) {
    try {
      int number = Integer.parseInt(value.strip());
      if (number >= least) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Falls through to the same complaint.
    }
    add("%s: expected an integer of at least %d, got `%s`".formatted(option, least, value));
    return least;
  }

  @Nullable Integer optionalInteger(String option, @Nullable String value, int least) {
    return value == null ? null : integer(option, value, least);
  }

  float ratio(String option, String value) {
    try {
      float number = Float.parseFloat(value.strip());
      if (Float.isFinite(number) && number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Falls through to the same complaint.
    }
    add("%s: expected a number of at least 0, got `%s`".formatted(option, value));
    return 0;
  }

  Duration seconds(String option, String value) {
    return Duration.ofSeconds(integer(option, value, 0));
  }
}
