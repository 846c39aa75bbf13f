package dev.lorax.e2e.story;

import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.cluster.PortForward;
import dev.lorax.e2e.install.ServerRollout;
import java.time.InstantSource;

/** A server that was ready, and a way to it. */
record Served(ServerRollout server, PortForward forward, ChatClient client)
    implements AutoCloseable {

  Served(ServerRollout server, PortForward forward) {
    this(server, forward, new ChatClient(forward.url(), InstantSource.system()));
  }

  @Override
  public void close() {
    forward.close();
  }
}
