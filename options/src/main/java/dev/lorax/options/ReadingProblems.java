package dev.lorax.options;

import java.util.List;
import java.util.Locale;

/** What could not be read, said as every other problem is. */
final class ReadingProblems {

  private final Problems problems;
  private final List<Option<?>> known;

  ReadingProblems(Problems problems, List<Option<?>> known) {
    this.problems = problems;
    this.known = known;
  }

  void add(OptionReader line) {
    for (var trouble : line.troubles()) {
      problems.add(trouble.option(), trouble.what());
    }
    unknown(line.unknown());
  }

  /** The word after an unknown option is taken as its value. */
  private void unknown(List<String> words) {
    boolean valueExpected = false;
    for (var word : words) {
      boolean option = word.startsWith("-") && word.length() > 1;
      if (option) {
        String name = word.split("=", 2)[0];
        problems.add(name, "unknown option; " + suggestion(name));
      } else if (!valueExpected) {
        problems.add("%s: expected an option that starts with --".formatted(word));
      }
      valueExpected = option && !word.contains("=");
    }
  }

  /** An option that differs in dashes and case only, or is cut short. */
  private String suggestion(String typed) {
    String letters = letters(typed);
    List<String> meant =
        known.stream()
            .map(Option::name)
            .filter(name -> letters.length() > 2 && letters(name).startsWith(letters))
            .toList();
    return meant.size() == 1 ? "did you mean %s?".formatted(meant.getFirst()) : "--help lists all";
  }

  private static String letters(String option) {
    return option.replaceAll("[-_]", "").toLowerCase(Locale.ROOT);
  }
}
