package dev.lorax.router.http;

import java.time.Duration;

/**
 * How long the router waits for clients.
 *
 * @param request how long the head of a request may take to arrive, and then its body
 * @param answer how long what was written may wait for the client to take it
 * @param idle how long a connection may stay open with nothing asked
 */
public record ClientPatience(Duration request, Duration answer, Duration idle) {
  /** How often to look, so that nobody stays much longer than that. */
  private static final int LOOKS = 4;

  private static final Duration MOST_BETWEEN_LOOKS = Duration.ofSeconds(5);

  /** Time between two looks at a connection. */
  Duration betweenLooks() {
    Duration shortest = request.compareTo(answer) < 0 ? request : answer;
    shortest = shortest.compareTo(idle) < 0 ? shortest : idle;
    Duration between = shortest.dividedBy(LOOKS);
    return between.compareTo(MOST_BETWEEN_LOOKS) < 0 ? between : MOST_BETWEEN_LOOKS;
  }
}
