package dev.lorax.launcher.faults;

import java.util.regex.Pattern;

/**
 * What a user reads. {@code <words in angle brackets>} stand for a number, path or name of the day.
 */
record Sentence(String text) {

  private static final String REASON = "reason=";

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

  /** What a line of the log gives as the reason; silent when it gives none. */
  Sentence reason() {
    int at = text.indexOf(REASON);
    return new Sentence(at < 0 ? "" : text.substring(at + REASON.length()));
  }

  @Override
  public String toString() {
    return text;
  }
}
