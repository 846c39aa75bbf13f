package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.DescribeAdapterRequest;
import dev.lorax.protocol.extensions.v1.DescribeAdapterResponse;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.router.adapter.AdapterFacts;
import dev.lorax.router.batching.ShardException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What a shard tells of an adapter that it holds. */
final class AdapterDescription {
  private AdapterDescription() {}

  /** Null where the shard knows no such question or no such adapter: nothing depends on it. */
  static @Nullable AdapterFacts ask(UnixChannel shard, int index, Duration deadline)
      throws ShardException, InterruptedException {
    var request = DescribeAdapterRequest.newBuilder().setAdapterIndex(index).build();
    var call =
        ExtensionsGrpc.newFutureStub(shard.channel())
            .withDeadlineAfter(deadline)
            .describeAdapter(request);
    try {
      DescribeAdapterResponse answer = ShardCalls.one("DescribeAdapter", 0, call);
      return new AdapterFacts(answer.getRank(), answer.getBytes());
    } catch (ShardException.Refused | ShardException.TimedOut e) {
      return null;
    }
  }
}
