package dev.lorax.launcher.options;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the values of an option look like.
 *
 * @param expected for sentences: "expected …"
 * @param needsValue otherwise the option's name alone is a value, that of {@code true}
 * @param reading throws {@link IllegalArgumentException} for what is no such value
 * @param spelling as a person would write it
 */
public record Kind<T>(
    String expected,
    boolean needsValue,
    Function<String, T> reading,
    Function<T, String> spelling) {

  public static final Kind<String> TEXT = of("a value", text -> text);
  public static final Kind<Path> PATH = of("a path", text -> Path.of(text));
  public static final Kind<Integer> WHOLE_NUMBER = of("a whole number", Integer::valueOf);
  public static final Kind<Double> NUMBER = of("a number", Double::valueOf);
  public static final Kind<Boolean> TRUTH = of("true or false", Kind::truth);
  public static final Kind<Boolean> SWITCH =
      new Kind<>("true or false", false, Kind::truth, String::valueOf);
  public static final Kind<Duration> DURATION =
      new Kind<>("a duration such as 500ms, 30s, 10m or 1h", true, Kind::duration, Kind::spelled);

  private static final Pattern DURATION_FORM = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

  private static <T> Kind<T> of(String expected, Function<String, T> reading) {
    return new Kind<>(expected, true, reading, String::valueOf);
  }

  /** The constants of an enum in small letters; read in any. */
  public static <E extends Enum<E>> Kind<E> oneOf(Class<E> constants) {
    return new Kind<>(
        enumerated(List.of(constants.getEnumConstants()), Kind::small),
        true,
        text -> Enum.valueOf(constants, text.toUpperCase(Locale.ROOT)),
        Kind::small);
  }

  /** One of these, each written in this one way. */
  public static <T> Kind<T> oneOf(List<T> values, Function<T, String> spelling) {
    return new Kind<>(
        enumerated(values, spelling),
        true,
        text ->
            values.stream()
                .filter(value -> spelling.apply(value).equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(text)),
        spelling);
  }

  private static <T> String enumerated(List<T> values, Function<T, String> spelling) {
    List<String> names = new ArrayList<>(values.stream().map(spelling).toList());
    String last = names.removeLast();
    return "%s or %s".formatted(String.join(", ", names), last);
  }

  private static String small(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static boolean truth(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException(text);
    };
  }

  private static Duration duration(String text) {
    Matcher matcher = DURATION_FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(text);
    }
    long amount = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      default -> Duration.ofHours(amount);
    };
  }

  private static String spelled(Duration duration) {
    if (duration.toMillisPart() != 0) {
      return duration.toMillis() + "ms";
    }
    if (duration.toSecondsPart() != 0 || duration.toSeconds() <= 90) {
      return duration.toSeconds() + "s";
    }
    return duration.toMinutesPart() != 0 ? duration.toMinutes() + "m" : duration.toHours() + "h";
  }
}
