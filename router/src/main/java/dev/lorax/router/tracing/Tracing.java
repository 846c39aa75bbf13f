package dev.lorax.router.tracing;

import dev.lorax.router.batching.Ticker;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * Traces requests. Where they go is an option of the router; all else, such as how many are
 * sampled, is asked of OpenTelemetry's own variables ({@code OTEL_TRACES_SAMPLER}, {@code
 * OTEL_RESOURCE_ATTRIBUTES}). Thread-safe.
 */
public final class Tracing implements AutoCloseable {
  private static final String NAME = "lorax-router";

  /** For spans that have not been sent when the router ends. */
  private static final Duration LAST_SPANS = Duration.ofSeconds(3);

  private static final TextMapGetter<UnaryOperator<@Nullable String>> HEADERS =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(UnaryOperator<@Nullable String> headers) {
          return List.of();
        }

        @Override
        public @Nullable String get(
            @Nullable UnaryOperator<@Nullable String> headers, String name) {
          return headers == null ? null : headers.apply(name);
        }
      };

  private final OpenTelemetry telemetry;
  private final Ticker ticker;
  private final InstantSource clock;

  private Tracing(OpenTelemetry telemetry, Ticker ticker, InstantSource clock) {
    this.telemetry = telemetry;
    this.ticker = ticker;
    this.clock = clock;
  }

  /**
   * Sends spans in the background, and drops those that a slow collector leaves over.
   *
   * @param endpoint of a collector; null traces nothing
   * @throws io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException if one of OpenTelemetry's
   *     variables is wrong
   */
  public static Tracing to(@Nullable String endpoint, Ticker ticker, InstantSource clock) {
    return new Tracing(
        endpoint == null ? OpenTelemetry.noop() : exporting(endpoint), ticker, clock);
  }

  private static OpenTelemetry exporting(String endpoint) {
    // It tells its troubles to java.util.logging.
    SLF4JBridgeHandler.removeHandlersForRootLogger();
    SLF4JBridgeHandler.install();
    return AutoConfiguredOpenTelemetrySdk.builder()
        .addPropertiesSupplier(() ->
            Map.of(
                "otel.service.name", NAME,
                "otel.metrics.exporter", "none",
                "otel.logs.exporter", "none"))
        .addPropertiesCustomizer(_ -> Map.of("otel.exporter.otlp.endpoint", endpoint))
        .disableShutdownHook()
        .build()
        .getOpenTelemetrySdk();
  }

  /**
   * Begins the span of a request, as a part of its client's where it names one.
   *
   * @param headers gives the value of the header with a name
   */
  public RequestTrace begin(String method, String route, UnaryOperator<@Nullable String> headers) {
    Context parent =
        telemetry.getPropagators().getTextMapPropagator().extract(Context.root(), headers, HEADERS);
    var tracer = telemetry.getTracer(NAME);
    Instant now = clock.instant();
    long epochNanos = TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
    var span =
        tracer
            .spanBuilder(method + " " + route)
            .setParent(parent)
            .setSpanKind(SpanKind.SERVER)
            .setStartTimestamp(epochNanos, TimeUnit.NANOSECONDS)
            .setAttribute("http.request.method", method)
            .setAttribute("http.route", route)
            .startSpan();
    return new RequestTrace(tracer, span, epochNanos, ticker.nanos(), ticker);
  }

  /** Sends what has not been sent. */
  @Override
  public void close() {
    if (telemetry instanceof OpenTelemetrySdk sdk) {
      sdk.shutdown().join(LAST_SPANS.toMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
