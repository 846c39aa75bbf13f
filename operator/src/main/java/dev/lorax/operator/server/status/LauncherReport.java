package dev.lorax.operator.server.status;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the launcher of a pod says of itself: the part of its {@code /status} that is of use here.
 * All of it may be missing, since images of any version may answer.
 *
 * @param since when the phase began
 * @param lastFailure of a shard or router, however long ago
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record LauncherReport(
    @Nullable String phase,
    @Nullable String since,
    @Nullable Work progress,
    @JsonProperty("last_failure") @Nullable LastFailure lastFailure) {

  /** A failure and the restart that follows it are told a moment apart. */
  private static final Duration SAME_MOMENT = Duration.ofMinutes(1);

  /** What is being got ready, and how much of it is; the total is 0 where it is not known. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Work(
      @Nullable String step,
      @Nullable String what,
      long bytes,
      @JsonProperty("total_bytes") long totalBytes) {}

  /**
   * What went wrong last, and when.
   *
   * @param code for a condition; launchers of other versions give none
   * @param reason in a sentence for people
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record LastFailure(String code, String reason, @Nullable String at) {

    @JsonCreator
    static LastFailure read(
        @JsonProperty("code") @Nullable String code,
        @JsonProperty("reason") @Nullable String reason,
        @JsonProperty("at") @Nullable String at) {
      return new LastFailure(
          code != null && LastWords.isCode(code) ? code : "StartingAgain",
          PodFields.orElse(reason, "no reason given"),
          at);
    }
  }

  /** The failure that what it does now follows from; one of long ago has been overcome. */
  Optional<LastFailure> recentFailure() {
    if (lastFailure == null || "Serving".equals(phase)) {
      return Optional.empty();
    }
    Instant began = time(since);
    Instant failed = time(lastFailure.at());
    return began == null || failed == null || failed.isBefore(began.minus(SAME_MOMENT))
        ? Optional.empty()
        : Optional.of(lastFailure);
  }

  private static @Nullable Instant time(@Nullable String text) {
    try {
      return text == null ? null : Instant.parse(text);
    } catch (DateTimeException e) {
      return null;
    }
  }
}
