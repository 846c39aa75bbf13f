package dev.lorax.launcher.options;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An option: what it is called, where its value goes, and what people read about it. Immutable.
 *
 * @param names as they are typed, the long one last
 * @param taker gets the value; of a list, one after the other
 * @param label stands for the value in the help
 * @param usual what applies when nothing is said, for people
 * @param separator stands between the values of a list, which may also be given one by one
 */
public record Option<T>(
    List<String> names,
    Kind<T> kind,
    Consumer<T> taker,
    String label,
    String description,
    @Nullable String usual,
    @Nullable String separator) {

  public static <T> Option<T> of(String name, Kind<T> kind, Consumer<T> taker) {
    return new Option<>(List.of(name), kind, taker, "", "", null, null);
  }

  /** Also under a name of one letter. */
  public Option<T> orShort(String name) {
    return new Option<>(List.of(name, name()), kind, taker, label, description, usual, separator);
  }

  /** With a default that the value starts with. */
  public Option<T> initially(T value) {
    return usually(kind.spelling().apply(value));
  }

  /** With a default that is worked out later. */
  public Option<T> usually(String what) {
    return new Option<>(names, kind, taker, label, description, what, separator);
  }

  public Option<T> separatedBy(String mark) {
    return new Option<>(names, kind, taker, label, description, usual, mark);
  }

  public Option<T> says(String sentences) {
    return new Option<>(names, kind, taker, label, sentences, usual, separator);
  }

  public Option<T> says(String value, String sentences) {
    return new Option<>(names, kind, taker, value, sentences, usual, separator);
  }

  /** The long one. */
  public String name() {
    return names.getLast();
  }
}
