package dev.lorax.router.batching;

import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.GenerationSink;
import java.util.ArrayList;
import java.util.List;

/**
 * Results that have arrived and are not yet handed on. They wait until the next call to the shards
 * has left, so that the accelerator does not wait for HTTP. Confined to the batch loop.
 */
final class Outbox {
  private final List<GenerationSink> sinks = new ArrayList<>();
  private final List<Generation> generations = new ArrayList<>();
  private long arrivedNanos;

  void arrived(long nanoTime) {
    arrivedNanos = nanoTime;
  }

  void add(GenerationSink sink, Generation generation) {
    sinks.add(sink);
    generations.add(generation);
  }

  void flush() {
    for (int i = 0; i < sinks.size(); i++) {
      sinks.get(i).generated(generations.get(i), arrivedNanos);
    }
    for (GenerationSink sink : sinks) {
      sink.stepTold();
    }
    sinks.clear();
    generations.clear();
  }
}
