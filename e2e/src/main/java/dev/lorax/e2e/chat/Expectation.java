package dev.lorax.e2e.chat;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What an answer must match and must not match; at least one of the two is given. */
public record Expectation(
    @Nullable String regex, @JsonProperty("not_regex") @Nullable String notRegex) {

  public Expectation {
    if (regex == null && notRegex == null) {
      throw new IllegalArgumentException("an expectation needs regex or not_regex, got neither");
    }
  }

  public boolean isMetBy(String answer) {
    boolean wanted = regex == null || Pattern.compile(regex).matcher(answer).find();
    return wanted && (notRegex == null || !Pattern.compile(notRegex).matcher(answer).find());
  }
}
