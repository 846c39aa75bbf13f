package dev.lorax.router;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the options say, as numbers. What is none is a problem, and then the least is taken. */
record OptionValues(RouterOptions options, OptionProblems problems) {
  int integer(String option, int least) {
    return integer(option, options.value(option), least);
  }

  private int integer(String option, String value, int least) {
    try {
      int number = Integer.parseInt(value.strip());
      if (number >= least) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Falls through to the same complaint.
    }
    problems.add(
        "%s: expected an integer of at least %d, got `%s`".formatted(option, least, value));
    return least;
  }

  @Nullable Integer optionalInteger(String option, int least) {
    String value = options.optional(option);
    return value == null ? null : integer(option, value, least);
  }

  float ratio(String option) {
    String value = options.value(option);
    try {
      float number = Float.parseFloat(value.strip());
      if (Float.isFinite(number) && number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Falls through to the same complaint.
    }
    problems.add("%s: expected a number of at least 0, got `%s`".formatted(option, value));
    return 0;
  }

  Duration seconds(String option) {
    return Duration.ofSeconds(integer(option, 0));
  }

  String text(String option) {
    return options.value(option);
  }

  @Nullable String optionalText(String option) {
    return options.optional(option);
  }

  boolean isOn(String option) {
    return options.isOn(option);
  }

  void add(String problem) {
    problems.add(problem);
  }
}
