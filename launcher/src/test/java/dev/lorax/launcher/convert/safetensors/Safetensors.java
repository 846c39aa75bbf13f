package dev.lorax.launcher.convert.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reads a safetensors file by its published layout, independently of the writer. */
public final class Safetensors {

  private final ByteBuffer file;
  private final JsonNode header;
  private final int data;

  public Safetensors(Path path) throws IOException {
    file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    int length = (int) file.getLong(0);
    header = new ObjectMapper().readTree(Arrays.copyOfRange(file.array(), 8, 8 + length));
    data = 8 + length;
  }

  public JsonNode header() {
    return header;
  }

  public int dataStart() {
    return data;
  }

  public float[] values(String tensor) {
    JsonNode offsets = header.path(tensor).path("data_offsets");
    var values = new float[(offsets.get(1).intValue() - offsets.get(0).intValue()) / Float.BYTES];
    file.position(data + offsets.get(0).intValue());
    file.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  /** Names of the tensors. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    header.fieldNames().forEachRemaining(names::add);
    names.remove("__metadata__");
    return names;
  }

  public byte[] bytes(String tensor) {
    JsonNode offsets = header.path(tensor).path("data_offsets");
    return Arrays.copyOfRange(
        file.array(), data + offsets.path(0).intValue(), data + offsets.path(1).intValue());
  }

  /** First value of each row. */
  public float[] firstColumn(String tensor, int columns) {
    float[] values = values(tensor);
    var column = new float[values.length / columns];
    for (int row = 0; row < column.length; row++) {
      column[row] = values[row * columns];
    }
    return column;
  }
}
