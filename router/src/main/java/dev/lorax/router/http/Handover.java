package dev.lorax.router.http;

import dev.lorax.router.generation.Generation;
import io.vertx.core.Context;
import java.util.ArrayList;
import java.util.List;

/**
 * What a step yields for the streams of one event loop, from the batch loop to there in one task: a
 * task for each stream wakes the event loop again and again. {@link #add} and {@link #send} are
 * confined to the batch loop.
 */
final class Handover {
  private final Context eventLoop;
  private List<Part> parts = new ArrayList<>();

  private record Part(EventStream stream, int sequence, Generation generation, long nanoTime) {}

  Handover(Context eventLoop) {
    this.eventLoop = eventLoop;
  }

  void add(EventStream stream, int sequence, Generation generation, long nanoTime) {
    parts.add(new Part(stream, sequence, generation, nanoTime));
  }

  void send() {
    if (parts.isEmpty()) {
      return;
    }
    List<Part> sent = parts;
    parts = new ArrayList<>(sent.size());
    eventLoop.runOnContext(_ -> {
      for (Part part : sent) {
        part.stream().receive(part.sequence(), part.generation(), part.nanoTime());
      }
    });
  }
}
