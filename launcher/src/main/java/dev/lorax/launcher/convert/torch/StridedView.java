package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import java.io.IOException;
import java.util.List;

/**
 * Which elements of a storage a tensor consists of, and in which order.
 *
 * @param offset of the first element
 * @param stride how far apart neighbours are in each dimension, in elements; 0 repeats
 */
record StridedView(long offset, List<Long> shape, List<Long> stride) {

  StridedView {
    shape = List.copyOf(shape);
    stride = List.copyOf(stride);
  }

  /** Takes neighbouring elements: {@code count} of them from {@code first} on. */
  interface Run {
    void take(long first, long count) throws IOException;
  }

  static StridedView of(long offset, List<Long> shape, List<Long> stride)
      throws ConversionException {
    boolean sane =
        offset >= 0
            && shape.size() == stride.size()
            && shape.stream().allMatch(size -> size >= 0)
            && stride.stream().allMatch(step -> step >= 0);
    var view = new StridedView(offset, shape, stride);
    if (!sane || !view.fitsInLong()) {
      throw ConversionException.corrupt(
          "is damaged: no tensor has offset %d, shape %s and stride %s"
              .formatted(offset, shape, stride));
    }
    return view;
  }

  private boolean fitsInLong() {
    try {
      // The widest element has 8 bytes.
      Math.multiplyExact(elements(), 8L);
      Math.multiplyExact(end(), 8L);
      return true;
    } catch (ArithmeticException e) {
      return false;
    }
  }

  long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** The element after the last one that is used; 0 for a view of nothing. */
  long end() {
    long last = offset;
    for (int i = 0; i < shape.size(); i++) {
      if (shape.get(i) == 0) {
        return 0;
      }
      last = Math.addExact(last, Math.multiplyExact(shape.get(i) - 1, stride.get(i)));
    }
    return Math.addExact(last, 1);
  }

  /** All elements in row-major order, in runs as long as the strides allow. */
  void forEachRun(Run run) throws IOException {
    int outer = shape.size();
    long count = 1;
    while (outer > 0 && (shape.get(outer - 1) == 1 || stride.get(outer - 1) == count)) {
      count *= shape.get(--outer);
    }
    if (elements() == 0) {
      return;
    }
    var index = new long[outer];
    long first = offset;
    for (long left = elements() / count; left > 0; left--) {
      run.take(first, count);
      first += step(index);
    }
  }

  /** Moves on by one in the outer dimensions; returns how far that is in elements. */
  private long step(long[] index) {
    long distance = 0;
    for (int i = index.length - 1; i >= 0; i--) {
      distance += stride.get(i);
      if (++index[i] < shape.get(i)) {
        return distance;
      }
      distance -= shape.get(i) * stride.get(i);
      index[i] = 0;
    }
    return distance;
  }
}
