package dev.lorax.launcher.hub;

import dev.lorax.launcher.config.HubConfig;
import dev.lorax.launcher.download.BusyException;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What the hub's refusals mean, and what to do. */
final class HubRefusals {

  /** {@code "api";r=0;t=55}: the hub's rate limit ends in 55 seconds. */
  private static final Pattern RATE_LIMIT_RESET = Pattern.compile("\\bt=(\\d+)");

  private final HubConfig config;
  private final InstantSource clock;

  HubRefusals(HubConfig config, InstantSource clock) {
    this.config = config;
    this.clock = clock;
  }

  /**
   * Always throws.
   *
   * @param fromHub false for the store that the hub redirected to, whose addresses expire: asking
   *     the hub again gives a fresh one
   */
  IOException refusal(HubHttp.Answer answer, HubRepository repository, String what, boolean fromHub)
      throws DownloadException {
    int status = answer.status();
    if (status == 429) {
      return new BusyException(
          "%s asks for fewer requests (429)".formatted(answer.uri().getHost()), retryAfter(answer));
    }
    if (status >= 500 || status == 408 || !fromHub) {
      return new BusyException(
          "%s answered %d".formatted(answer.uri().getHost(), status), retryAfter(answer));
    }
    throw refused(answer, repository, what);
  }

  private DownloadException refused(HubHttp.Answer answer, HubRepository repository, String what) {
    String message = answer.header("X-Error-Message");
    return switch (answer.header("X-Error-Code")) {
      case "GatedRepo" -> gated(repository);
      case "RevisionNotFound" ->
          new DownloadException(
              FailureCode.MODEL_NOT_FOUND,
              "%s has no revision %s on %s: give a branch, a tag or a whole commit id"
                  .formatted(repository.id(), repository.revision(), config.endpoint()));
      case "EntryNotFound" ->
          new DownloadException(
              FailureCode.INCOMPLETE_MODEL,
              "%s has no %s on %s".formatted(repository, what, config.endpoint()));
      case "RepoNotFound" -> notFound(repository);
      default ->
          switch (answer.status()) {
            // Also the hub's answer to a stranger who asks for what does not exist.
            case 401 -> config.token() == null ? notFound(repository) : badToken();
            case 403 -> forbidden(repository, message);
            case 404 -> notFound(repository);
            default ->
                new DownloadException(
                    FailureCode.SOURCE_UNREACHABLE,
                    "%s answered %d for %s of %s%s"
                        .formatted(
                            config.endpoint(),
                            answer.status(),
                            what,
                            repository,
                            message.isEmpty() ? "" : ": " + message));
          };
    };
  }

  private DownloadException gated(HubRepository repository) {
    return new DownloadException(
        FailureCode.GATED_MODEL,
        "%s is gated: accept its terms at %s/%s and give %s"
            .formatted(
                repository.id(),
                config.endpoint(),
                repository.id(),
                config.token() == null
                    ? "a token of that account in HF_TOKEN"
                    : "a token of the account that did so; the token in use may not read it"));
  }

  /** The hub does not tell a stranger whether a private repository exists. */
  private DownloadException notFound(HubRepository repository) {
    return new DownloadException(
        FailureCode.MODEL_NOT_FOUND,
        "%s has no model %s that %s: check the spelling%s"
            .formatted(
                config.endpoint(),
                repository.id(),
                config.token() == null ? "everybody may read" : "the token in use may read",
                config.token() == null
                    ? ", or give a token in HF_TOKEN if it is private or gated"
                    : " and the rights of the token"));
  }

  private DownloadException badToken() {
    return new DownloadException(
        FailureCode.WRONG_TOKEN,
        "%s does not know the token in use: it is mistyped, expired or revoked; create one at %s/settings/tokens and give it in HF_TOKEN"
            .formatted(config.endpoint(), config.endpoint()));
  }

  private DownloadException forbidden(HubRepository repository, String message) {
    return new DownloadException(
        FailureCode.ACCESS_DENIED,
        "%s forbids reading %s%s; check the rights of the token in HF_TOKEN"
            .formatted(
                config.endpoint(), repository.id(), message.isEmpty() ? "" : ": " + message));
  }

  private @Nullable Duration retryAfter(HubHttp.Answer answer) {
    String value = answer.header("Retry-After");
    if (value.matches("\\d{1,6}")) {
      return Duration.ofSeconds(Long.parseLong(value));
    }
    if (!value.isEmpty()) {
      return untilDate(value);
    }
    Matcher reset = RATE_LIMIT_RESET.matcher(answer.header("RateLimit"));
    return answer.status() == 429 && reset.find()
        ? Duration.ofSeconds(Long.parseLong(reset.group(1)))
        : null;
  }

  private @Nullable Duration untilDate(String value) {
    try {
      Instant date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(clock.instant(), date);
      return wait.isNegative() ? Duration.ZERO : wait;
    } catch (DateTimeParseException e) {
      return null;
    }
  }
}
