package dev.lorax.launcher.convert.gguf;

import java.util.List;

/**
 * Where a tensor lies in a GGUF file.
 *
 * @param shape outermost dimension first, as in PyTorch; the file has them the other way round
 * @param offset from the start of the file, in bytes
 */
record GgufTensor(String name, List<Long> shape, GgmlType type, long offset) {

  GgufTensor {
    shape = List.copyOf(shape);
  }

  int columns() {
    return Math.toIntExact(shape.getLast());
  }

  long rows() {
    return elements() / columns();
  }

  long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  long bytes() {
    return type.bytesOf(elements());
  }

  long rowBytes() {
    return type.bytesOf(columns());
  }
}
