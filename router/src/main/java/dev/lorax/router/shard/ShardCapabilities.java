package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.CapabilitiesRequest;
import dev.lorax.protocol.extensions.v1.CapabilitiesResponse;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.router.batching.ShardException;
import java.time.Duration;

/** What a shard can do beyond upstream. */
final class ShardCapabilities {
  private ShardCapabilities() {}

  /** Nothing where the shard knows no such question. */
  static CapabilitiesResponse ask(UnixChannel shard, Duration deadline)
      throws ShardException, InterruptedException {
    var call =
        ExtensionsGrpc.newFutureStub(shard.channel())
            .withDeadlineAfter(deadline)
            .capabilities(CapabilitiesRequest.getDefaultInstance());
    try {
      return ShardCalls.one("Capabilities", 0, call);
    } catch (ShardException.Refused e) {
      return CapabilitiesResponse.getDefaultInstance();
    }
  }
}
