package dev.lorax.launcher.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.time.Duration;
import java.util.List;

/** Options about clients that stall or trickle, which pass through to the router. */
final class ClientArguments {

  private Duration request = Duration.ofSeconds(30);
  private Duration answer = Duration.ofSeconds(60);
  private Duration idle = Duration.ofSeconds(620);

  List<Option<?>> options() {
    return List.of(
        Option.of("--client-request-timeout", Kind.DURATION, value -> request = value)
            .initially(request)
            .says("DURATION", "How long the head of a request may take to arrive, then its body."),
        Option.of("--client-answer-timeout", Kind.DURATION, value -> answer = value)
            .initially(answer)
            .says("DURATION", "How long a client may leave a part of its answer unread."),
        Option.of("--client-idle-timeout", Kind.DURATION, value -> idle = value)
            .initially(idle)
            .says("DURATION", "How long a connection stays open with nothing asked."));
  }

  ClientPatience toConfig() {
    return new ClientPatience(request, answer, idle);
  }

  void check(Problems problems) {
    check("--client-request-timeout", request, problems);
    check("--client-answer-timeout", answer, problems);
    check("--client-idle-timeout", idle, problems);
  }

  /** The router counts in seconds. */
  private static void check(String option, Duration value, Problems problems) {
    problems.expect(
        value.isPositive() && value.toMillisPart() == 0,
        option,
        "whole seconds, at least one",
        Kind.DURATION.spelling().apply(value));
  }
}
