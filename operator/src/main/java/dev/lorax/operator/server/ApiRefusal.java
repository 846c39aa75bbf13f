package dev.lorax.operator.server;

import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.AggregatedOperatorException;
import java.net.HttpURLConnection;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A refusal of the API server to take an object of a server, as a condition tells it. {@code
 * lasting} refusals go away only when the spec changes, so that trying again is of no use.
 */
record ApiRefusal(String reason, String message, boolean lasting) {

  private static final int UNPROCESSABLE = 422;

  /** The refusal behind an error of a reconcile; empty where the error is something else. */
  static Optional<ApiRefusal> of(Throwable error) {
    return causes(error)
        .filter(KubernetesClientException.class::isInstance)
        .map(KubernetesClientException.class::cast)
        .filter(refusal -> refusal.getStatus() != null)
        .findFirst()
        .map(ApiRefusal::of);
  }

  private static ApiRefusal of(KubernetesClientException refusal) {
    String said = refusal.getStatus().getMessage();
    String message = said == null ? "no message" : said;
    return switch (refusal.getCode()) {
      case UNPROCESSABLE -> new ApiRefusal("Invalid", message, true);
      case HttpURLConnection.HTTP_CONFLICT ->
          new ApiRefusal(
              "NameTaken",
              "an object that the operator did not make has the name of this LoraxServer; delete it"
                  + " or choose another name: "
                  + message,
              false);
      case HttpURLConnection.HTTP_FORBIDDEN -> new ApiRefusal("Forbidden", message, false);
      default -> new ApiRefusal("ApiServerRefused", message, false);
    };
  }

  private static Stream<Throwable> causes(Throwable error) {
    Stream<? extends Throwable> below =
        error instanceof AggregatedOperatorException aggregated
            ? aggregated.getAggregatedExceptions().values().stream()
            : Stream.ofNullable(error.getCause());
    return Stream.concat(Stream.of(error), below.flatMap(ApiRefusal::causes));
  }
}
