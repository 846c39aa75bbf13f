package dev.lorax.options;

import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An option: what it is called, where its value goes, and what people read about it. Immutable.
 *
 * @param names as they are typed, the long one last
 * @param variable the environment variable that sets it too, if there is one
 * @param taker gets the value; of a list, one after the other
 * @param initial the default that the value starts with, if it starts with one
 * @param separator stands between the values of a list, which may also be given one by one
 */
public record Option<T>(
    List<String> names,
    @Nullable String variable,
    Kind<T> kind,
    Consumer<T> taker,
    @Nullable T initial,
    @Nullable String separator,
    Note note) {

  /**
   * What people read.
   *
   * @param label stands for the value in the help
   * @param usual what applies when nothing is said, where that is worked out later
   */
  public record Note(String label, String description, @Nullable String usual) {}

  public static <T> Option<T> of(String name, Kind<T> kind, Consumer<T> taker) {
    var silent = new Note("", "", null);
    return new Option<>(List.of(name), variableOf(name), kind, taker, null, null, silent);
  }

  /** The variable of an option that says nothing else: {@code MAX_BEST_OF} of --max-best-of. */
  public static String variableOf(String name) {
    return name.substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
  }

  /** The switch that asks for the help, on the line alone. */
  public static Option<Boolean> help(Consumer<Boolean> taker) {
    return of("--help", Kind.SWITCH, taker).orShort("-h").onLineOnly().says("Print this help.");
  }

  /** The switch that asks for the version, on the line alone. */
  public static Option<Boolean> version(Consumer<Boolean> taker) {
    return of("--version", Kind.SWITCH, taker)
        .orShort("-V")
        .onLineOnly()
        .says("Print the version.");
  }

  /** Also under a name of one letter. */
  public Option<T> orShort(String letter) {
    var both = List.of(letter, name());
    return new Option<>(both, variable, kind, taker, initial, separator, note);
  }

  /** With a variable of another name, where the option's own is too common a word. */
  public Option<T> alsoIn(String name) {
    return new Option<>(names, name, kind, taker, initial, separator, note);
  }

  /** Without a variable: HELP and VERSION mean other things. */
  public Option<T> onLineOnly() {
    return new Option<>(names, null, kind, taker, initial, separator, note);
  }

  /** With a default that the value starts with. */
  public Option<T> initially(T value) {
    return new Option<>(names, variable, kind, taker, value, separator, note);
  }

  /** With a default that is worked out later. */
  public Option<T> usually(String what) {
    return noting(new Note(note.label(), note.description(), what));
  }

  public Option<T> separatedBy(String mark) {
    return new Option<>(names, variable, kind, taker, initial, mark, note);
  }

  public Option<T> says(String sentences) {
    return says(note.label(), sentences);
  }

  public Option<T> says(String label, String sentences) {
    return noting(new Note(label, sentences, note.usual()));
  }

  private Option<T> noting(Note other) {
    return new Option<>(names, variable, kind, taker, initial, separator, other);
  }

  /** The long one. */
  public String name() {
    return names.getLast();
  }

  /** The default, for people. */
  public @Nullable String usual() {
    return initial == null ? note.usual() : kind.spelling().apply(initial);
  }

  /** The default that the value starts with, as it would be typed. */
  @Nullable String typedInitial() {
    return initial == null ? null : kind.spelling().apply(initial);
  }
}
