package dev.lorax.operator.server.manifest;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Labels of everything that belongs to a server. */
public final class Labels {

  public static final String NAME = "app.kubernetes.io/name";
  public static final String INSTANCE = "app.kubernetes.io/instance";
  public static final String MANAGED_BY = "app.kubernetes.io/managed-by";

  private static final String SERVER = "lorax-server";
  private static final String OPERATOR = "lorax-operator";

  /** Selects the objects of all servers. */
  public static final String ALL_SERVERS = MANAGED_BY + "=" + OPERATOR + "," + NAME + "=" + SERVER;

  private Labels() {}

  /** What selects the pods of one server; it must never change, Deployments do not allow it. */
  public static Map<String, String> selector(String server) {
    return new TreeMap<>(Map.of(NAME, SERVER, INSTANCE, server));
  }

  /** {@link #selector} as a query, for the scale subresource. */
  public static String selectorQuery(String server) {
    return selector(server).entrySet().stream()
        .map(label -> label.getKey() + "=" + label.getValue())
        .collect(Collectors.joining(","));
  }

  static Map<String, String> of(String server) {
    var labels = new TreeMap<>(selector(server));
    labels.put(MANAGED_BY, OPERATOR);
    return labels;
  }
}
