package dev.lorax.operator.server.apply;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The first field in which an object of the cluster is not as it shall be. What is wanted has no
 * say on what it leaves out: the defaults of the API server, the status, and what others have added
 * are no drift. So a field that is wanted no more shows none either, until the objects carry a
 * {@link Fingerprint} of what was applied.
 */
public final class Drift {

  private Drift() {}

  /** Path of the field, such as {@code spec.replicas}; empty where nothing has drifted. */
  public static Optional<String> between(HasMetadata wanted, HasMetadata found) {
    String path = between((Object) wanted, found);
    return path == null ? Optional.empty() : Optional.of(path.substring(1));
  }

  /** The path with a dot or a bracket before it; null without drift. */
  private static @Nullable String between(Object wanted, @Nullable Object found) {
    if (Fields.isScalar(wanted)) {
      return wanted.equals(found) || found == null && isZero(wanted) ? null : "";
    }
    return switch (wanted) {
      case Map<?, ?> map -> betweenMaps(map, found);
      case List<?> list -> betweenLists(list, found);
      default -> betweenObjects(wanted, found);
    };
  }

  /** The API server leaves out what says no more than its absence would. */
  private static boolean isZero(Object value) {
    return switch (value) {
      case Boolean flag -> !flag;
      case Number number -> number.doubleValue() == 0;
      case String text -> text.isEmpty();
      default -> false;
    };
  }

  private static @Nullable String betweenObjects(Object wanted, @Nullable Object found) {
    if (found == null || found.getClass() != wanted.getClass()) {
      return "";
    }
    for (var field : Fields.of(wanted).all()) {
      Object value = field.of(wanted);
      String path = value == null ? null : between(value, field.of(found));
      if (path != null) {
        return field.name().isEmpty() ? path : "." + field.name() + path;
      }
    }
    return null;
  }

  private static @Nullable String betweenMaps(Map<?, ?> wanted, @Nullable Object found) {
    Map<?, ?> map = found instanceof Map<?, ?> there ? there : Map.of();
    for (var entry : wanted.entrySet()) {
      String path = between(entry.getValue(), map.get(entry.getKey()));
      if (path != null) {
        return "." + entry.getKey() + path;
      }
    }
    return null;
  }

  private static @Nullable String betweenLists(List<?> wanted, @Nullable Object found) {
    List<?> list = found instanceof List<?> there ? there : List.of();
    if (!wanted.isEmpty() && Fields.isScalar(wanted.getFirst())) {
      return wanted.equals(list) ? null : "";
    }
    for (int i = 0; i < wanted.size(); i++) {
      Object element = wanted.get(i);
      String path = i < list.size() ? between(element, list.get(i)) : "";
      // Somebody, such as a webhook, may have put others before it.
      if (path != null && list.stream().noneMatch(other -> between(element, other) == null)) {
        return "[" + i + "]" + path;
      }
    }
    return null;
  }
}
