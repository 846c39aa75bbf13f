package dev.lorax.launcher.control;

import dev.lorax.protocol.launcher.v1.LauncherMessage;
import io.grpc.stub.StreamObserver;

/** The stream to an agent for as long as it lasts. Thread-safe. */
final class Attachment {

  private final StreamObserver<LauncherMessage> agent;
  private boolean over;

  Attachment(StreamObserver<LauncherMessage> agent) {
    this.agent = agent;
  }

  /** Nothing is sent when the stream is over: whoever cares hears of that by other means. */
  synchronized void send(LauncherMessage message) {
    if (!over) {
      agent.onNext(message);
    }
  }

  synchronized void end() {
    if (!over) {
      over = true;
      agent.onCompleted();
    }
  }

  /** The other side broke the stream, so there is nobody to say goodbye to. */
  synchronized void broken() {
    over = true;
  }
}
