package dev.lorax.launcher.download;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** A {@code *.index.json}: which file holds which tensor. */
public final class WeightIndex {

  private WeightIndex() {}

  /** The weight files that it names. */
  public static Set<String> files(Path index) throws IOException {
    JsonNode map = new ObjectMapper().readTree(index.toFile()).path("weight_map");
    return map.valueStream().map(JsonNode::asText).collect(Collectors.toCollection(TreeSet::new));
  }
}
