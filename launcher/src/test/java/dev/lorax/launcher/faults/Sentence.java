package dev.lorax.launcher.faults;

import java.util.regex.Pattern;

/**
 * What a user reads. {@code <words in angle brackets>} stand for a number, path or name of the day.
 */
record Sentence(String text) {

  private static final Pattern BLANK = Pattern.compile("<[a-z][a-z ]*>");

  boolean isSilent() {
    return text.isEmpty();
  }

  /** A regular expression without line ends. */
  String pattern() {
    var pattern = new StringBuilder();
    var blanks = BLANK.matcher(text);
    int from = 0;
    while (blanks.find()) {
      pattern.append(Pattern.quote(text.substring(from, blanks.start()))).append(".+");
      from = blanks.end();
    }
    return pattern.append(Pattern.quote(text.substring(from))).toString();
  }

  @Override
  public String toString() {
    return text;
  }
}
