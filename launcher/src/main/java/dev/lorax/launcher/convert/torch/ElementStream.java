package dev.lorax.launcher.convert.torch;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The elements of views of one storage, gathered through one buffer whatever the size of the
 * tensor. Not thread-safe.
 */
final class ElementStream {

  /** A multiple of every element's size. */
  private static final int BUFFER_BYTES = 1 << 20;

  private final TorchDtype dtype;
  private final MemorySegment storage;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final MemorySegment bufferBytes = MemorySegment.ofArray(buffer.array());

  ElementStream(TorchDtype dtype, MemorySegment storage) {
    this.dtype = dtype;
    this.storage = storage;
  }

  /** Takes all bytes of a buffer that is then used again. */
  interface Sink {
    void take(ByteBuffer bytes) throws IOException;
  }

  /** Returns whether every number was finite. */
  boolean copy(StridedView view, Sink sink) throws IOException {
    var finite = new boolean[] {true};
    view.forEachRun((first, count) -> {
      long from = first * dtype.bytes();
      long end = from + count * dtype.bytes();
      while (from < end) {
        if (!buffer.hasRemaining()) {
          finite[0] &= drain(sink);
        }
        int bytes = (int) Math.min(end - from, buffer.remaining());
        MemorySegment.copy(storage, from, bufferBytes, buffer.position(), bytes);
        buffer.position(buffer.position() + bytes);
        from += bytes;
      }
    });
    return finite[0] & drain(sink);
  }

  private boolean drain(Sink sink) throws IOException {
    buffer.flip();
    boolean finite = dtype.allFinite(buffer);
    sink.take(buffer);
    buffer.clear();
    return finite;
  }
}
