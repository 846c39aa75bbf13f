package dev.lorax.launcher.convert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Reads a safetensors file by its published layout, independently of the writer. */
final class Safetensors {

  private final ByteBuffer file;
  private final JsonNode header;
  private final int data;

  Safetensors(Path path) throws IOException {
    file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    int length = (int) file.getLong(0);
    header = new ObjectMapper().readTree(Arrays.copyOfRange(file.array(), 8, 8 + length));
    data = 8 + length;
  }

  JsonNode header() {
    return header;
  }

  int dataStart() {
    return data;
  }

  float[] values(String tensor) {
    JsonNode offsets = header.path(tensor).path("data_offsets");
    var values = new float[(offsets.get(1).intValue() - offsets.get(0).intValue()) / Float.BYTES];
    file.position(data + offsets.get(0).intValue());
    file.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  /** First value of each row. */
  float[] firstColumn(String tensor, int columns) {
    float[] values = values(tensor);
    var column = new float[values.length / columns];
    for (int row = 0; row < column.length; row++) {
      column[row] = values[row * columns];
    }
    return column;
  }
}
