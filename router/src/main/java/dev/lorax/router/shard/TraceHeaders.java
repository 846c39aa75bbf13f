package dev.lorax.router.shard;

import dev.lorax.router.batching.Entry;
import dev.lorax.router.encoding.EncodingEntry;
import dev.lorax.router.generation.TraceParent;
import io.grpc.ClientInterceptor;
import io.grpc.Metadata;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tells shards the traces of which a batch's requests are parts. Immutable. */
final class TraceHeaders {
  /** W3C Trace Context has one parent; upstream's shards read it. */
  private static final Metadata.Key<String> PARENT =
      Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);

  /** See extensions.proto. */
  private static final Metadata.Key<String> REQUESTS =
      Metadata.Key.of("lorax-traced-requests", Metadata.ASCII_STRING_MARSHALLER);

  /** gRPC bounds what a call's headers may take. */
  private static final int MOST_REQUESTS = 32;

  /** Those of steps on behalf of no request in particular. */
  static final TraceHeaders NOTHING = new TraceHeaders("", null);

  private final String requests;
  private final @Nullable ClientInterceptor sender;

  private TraceHeaders(String requests, @Nullable ClientInterceptor sender) {
    this.requests = requests;
    this.sender = sender;
  }

  /** Those of a batch, for all shards. */
  static TraceHeaders of(List<Entry> entries) {
    var requests = new Traced();
    entries.forEach(entry -> requests.add(entry.id(), entry.sink().trace()));
    return requests.headers();
  }

  /** Those of texts that are read in one call. */
  static TraceHeaders ofTexts(List<EncodingEntry> texts) {
    var requests = new Traced();
    texts.forEach(text -> requests.add(text.id(), text.trace()));
    return requests.headers();
  }

  /** The stub, which sends the headers where requests are traced. */
  <S extends AbstractStub<S>> S with(S stub) {
    return sender == null ? stub : stub.withInterceptors(sender);
  }

  /** What a step says that is no call of its own; empty for nothing. */
  String requests() {
    return requests;
  }

  /** The requests of a call that are traced, as far as there is room for them. */
  private static final class Traced {
    private final List<String> requests = new ArrayList<>();
    private @Nullable TraceParent first;

    void add(long id, @Nullable TraceParent trace) {
      if (trace != null && requests.size() < MOST_REQUESTS) {
        first = first == null ? trace : first;
        requests.add(id + "=" + trace.value());
      }
    }

    TraceHeaders headers() {
      if (first == null) {
        return NOTHING;
      }
      var headers = new Metadata();
      headers.put(PARENT, first.value());
      String named = String.join(",", requests);
      headers.put(REQUESTS, named);
      return new TraceHeaders(named, MetadataUtils.newAttachHeadersInterceptor(headers));
    }
  }
}
