package dev.lorax.router.metrics;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** Family and labels of a series. */
record MetricName(String family, Map<String, String> labels) {
  MetricName {
    labels = new LinkedHashMap<>(labels);
  }

  static MetricName of(String family) {
    return new MetricName(family, Map.of());
  }

  MetricName with(String label, String value) {
    var more = new LinkedHashMap<>(labels);
    more.put(label, value);
    return new MetricName(family, more);
  }

  String series(String suffix) {
    if (labels.isEmpty()) {
      return family + suffix;
    }
    return labels.entrySet().stream()
        .map(label -> label.getKey() + "=\"" + escaped(label.getValue()) + '"')
        .collect(Collectors.joining(",", family + suffix + "{", "}"));
  }

  private static String escaped(String value) {
    return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }
}
