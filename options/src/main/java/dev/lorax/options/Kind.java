package dev.lorax.options;

import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
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

  private static final Pattern ORIGIN_FORM =
      Pattern.compile("\\*|[a-z][a-z0-9+.-]*://([\\w.-]+|\\[[0-9a-fA-F:.]+])(:\\d{1,5})?");
  private static final Pattern COLLECTOR_FORM =
      Pattern.compile("https?://([\\w.-]+|\\[[0-9a-fA-F:.]+])(:\\d{1,5})?(/\\S*)?");
  private static final Pattern TOKEN_FORM = Pattern.compile("[A-Za-z0-9-]+");

  public static final Kind<String> TEXT = of("a value", text -> text);
  public static final Kind<Path> PATH = of("a path", text -> Path.of(text));
  public static final Kind<Integer> WHOLE_NUMBER =
      of("a whole number", text -> Integer.valueOf(text.strip()));
  public static final Kind<Double> NUMBER = of("a number", Double::valueOf);
  public static final Kind<Boolean> TRUTH = of("true or false", Kind::truth);
  public static final Kind<Boolean> SWITCH =
      new Kind<>("true or false", false, Kind::truth, String::valueOf);
  public static final Kind<Duration> DURATION =
      new Kind<>("a duration such as 500ms, 30s, 10m or 1h", true, Kind::duration, Kind::spelled);

  /** Of IP, so that no name is ever looked up. */
  public static final Kind<InetAddress> ADDRESS =
      new Kind<>("an IP address", true, InetAddress::ofLiteral, InetAddress::getHostAddress);

  /** Where web pages come from, as browsers name it: no path, no slash at the end. */
  public static final Kind<String> ORIGIN =
      of(
          "an origin such as https://example.org or http://localhost:8080, or *",
          text -> matching(ORIGIN_FORM, text));

  /** Where an OpenTelemetry collector listens. */
  public static final Kind<String> COLLECTOR =
      of(
          "an address such as http://localhost:4317 or https://collector.example.org",
          text -> matching(COLLECTOR_FORM, text));

  /** The name of a header or a method of HTTP. */
  public static final Kind<String> TOKEN =
      of("a name of letters, digits and hyphens", text -> matching(TOKEN_FORM, text));

  private static final int MOST_DIGITS = 9;

  private static <T> Kind<T> of(String expected, Function<String, T> reading) {
    return new Kind<>(expected, true, reading, String::valueOf);
  }

  /** One of the constants of an enum, written in small letters and read in any. */
  public static <E extends Enum<E>> Kind<E> oneOf(E[] constants) {
    List<E> values = List.of(constants);
    return new Kind<>(
        enumerated(values, Kind::small),
        true,
        text -> chosen(values, Kind::small, text.toLowerCase(Locale.ROOT)),
        Kind::small);
  }

  /** One of these, each written in this one way. */
  public static <T> Kind<T> oneOf(List<T> values, Function<T, String> spelling) {
    return new Kind<>(
        enumerated(values, spelling), true, text -> chosen(values, spelling, text), spelling);
  }

  /** Whether this text is such a value. */
  public boolean reads(String text) {
    try {
      var _ = reading.apply(text);
      return true;
    } catch (IllegalArgumentException unreadable) {
      return false;
    }
  }

  private static <T> T chosen(List<T> values, Function<T, String> spelling, String text) {
    for (var value : values) {
      if (spelling.apply(value).equals(text)) {
        return value;
      }
    }
    throw new IllegalArgumentException(text);
  }

  private static <T> String enumerated(List<T> values, Function<T, String> spelling) {
    var names = new StringBuilder();
    int last = values.size() - 1;
    for (int i = 0; i <= last; i++) {
      names.append(i == 0 ? "" : i == last ? " or " : ", ").append(spelling.apply(values.get(i)));
    }
    return names.toString();
  }

  private static String small(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static String matching(Pattern form, String text) {
    if (!form.matcher(text).matches()) {
      throw new IllegalArgumentException(text);
    }
    return text;
  }

  private static boolean truth(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException(text);
    };
  }

  private static Duration duration(String text) {
    int digits = 0;
    while (digits < text.length() && text.charAt(digits) >= '0' && text.charAt(digits) <= '9') {
      digits++;
    }
    if (digits == 0 || digits > MOST_DIGITS) {
      throw new IllegalArgumentException(text);
    }
    int amount = Integer.parseInt(text.substring(0, digits));
    return switch (text.substring(digits)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      case "h" -> Duration.ofHours(amount);
      default -> throw new IllegalArgumentException(text);
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
