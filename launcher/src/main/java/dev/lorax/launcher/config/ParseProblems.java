package dev.lorax.launcher.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What the parser could not read, said as every other problem is. */
final class ParseProblems {

  private final Problems problems;

  ParseProblems(Problems problems) {
    this.problems = problems;
  }

  void add(List<Exception> errors) {
    for (var error : errors) {
      switch (error) {
        case UnmatchedArgumentException unmatched -> unmatched(unmatched);
        case MissingParameterException missing ->
            missing.getMissing().forEach(option -> wrong(option, "nothing"));
        case OverwrittenOptionException again
            when again.getOverwritten() instanceof OptionSpec option ->
            problems.add(option.longestName(), "expected once, got it again");
        case ParameterException parameter when parameter.getArgSpec() != null ->
            wrong(parameter.getArgSpec(), got(parameter));
        default -> problems.add(String.valueOf(error.getMessage()));
      }
    }
  }

  private void wrong(ArgSpec argument, String got) {
    if (argument instanceof OptionSpec option) {
      problems.add(option.longestName(), "expected %s, got %s".formatted(expected(option), got));
    }
  }

  /** The word after an unknown option is taken as its value. */
  private void unmatched(UnmatchedArgumentException error) {
    List<OptionSpec> known = error.getCommandLine().getCommandSpec().options();
    boolean valueExpected = false;
    for (var word : error.getUnmatched()) {
      boolean option = word.startsWith("-") && word.length() > 1;
      if (option) {
        String name = word.split("=", 2)[0];
        problems.add(name, "unknown option; " + suggestion(name, known));
      } else if (!valueExpected) {
        problems.add("%s: expected an option that starts with --".formatted(word));
      }
      valueExpected = option && !word.contains("=");
    }
  }

  /** An option that differs in dashes and case only, or is cut short. */
  private static String suggestion(String typed, List<OptionSpec> known) {
    String letters = letters(typed);
    List<String> meant =
        known.stream()
            .map(OptionSpec::longestName)
            .filter(name -> letters.length() > 2 && letters(name).startsWith(letters))
            .toList();
    return meant.size() == 1 ? "did you mean %s?".formatted(meant.getFirst()) : "--help lists all";
  }

  private static String letters(String option) {
    return option.replaceAll("[-_]", "").toLowerCase(Locale.ROOT);
  }

  private static String got(ParameterException error) {
    @Nullable String value = error.getValue();
    return value == null ? "something else" : value;
  }

  private static String expected(ArgSpec argument) {
    Class<?> type = argument.isMultiValue() ? argument.auxiliaryTypes()[0] : argument.type();
    if (type == int.class || type == Integer.class) {
      return "a whole number";
    }
    if (type == double.class) {
      return "a number";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "true or false";
    }
    if (type == Duration.class) {
      return "a duration such as 500ms, 30s, 10m or 1h";
    }
    if (type == Path.class) {
      return "a path";
    }
    return type.isEnum() ? oneOf(type) : "a value";
  }

  private static String oneOf(Class<?> type) {
    List<String> names =
        Arrays.stream(type.getEnumConstants())
            .map(constant -> spelled(constant))
            .collect(Collectors.toList());
    String last = names.removeLast();
    return "%s or %s".formatted(String.join(", ", names), last);
  }

  private static String spelled(Object constant) {
    return constant instanceof LauncherConfig.ShardPlacement placement
        ? ShardPlacementConverter.spelled(placement)
        : constant.toString().toLowerCase(Locale.ROOT);
  }
}
