package dev.lorax.launcher.convert.gguf;

import dev.lorax.launcher.convert.ConversionException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The key-value part of a GGUF file. A missing or mistyped key is told by its name.
 *
 * <p>Numbers come as {@link Long} whatever their width, floats as {@link Double}.
 */
final class GgufMetadata {

  private final Map<String, Object> values;

  GgufMetadata(Map<String, Object> values) {
    this.values = Map.copyOf(values);
  }

  String string(String key) throws ConversionException {
    return typed(key, String.class, required(key));
  }

  int integer(String key) throws ConversionException {
    return Math.toIntExact(typed(key, Long.class, required(key)));
  }

  double real(String key) throws ConversionException {
    return typed(key, Double.class, required(key));
  }

  List<String> strings(String key) throws ConversionException {
    return typed(key, List.class, required(key)).stream().map(String.class::cast).toList();
  }

  List<Long> integers(String key) throws ConversionException {
    return typed(key, List.class, required(key)).stream().map(Long.class::cast).toList();
  }

  Optional<String> optionalString(String key) throws ConversionException {
    Object value = values.get(key);
    return value == null ? Optional.empty() : Optional.of(typed(key, String.class, value));
  }

  Optional<Integer> optionalInteger(String key) throws ConversionException {
    Object value = values.get(key);
    return value == null
        ? Optional.empty()
        : Optional.of(Math.toIntExact(typed(key, Long.class, value)));
  }

  boolean flag(String key, boolean absent) throws ConversionException {
    Object value = values.get(key);
    return value == null ? absent : typed(key, Boolean.class, value);
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  private Object required(String key) throws ConversionException {
    Object value = values.get(key);
    if (value == null) {
      throw ConversionException.corrupt("GGUF metadata lacks " + key);
    }
    return value;
  }

  private static <T> T typed(String key, Class<T> type, @Nullable Object value)
      throws ConversionException {
    if (!type.isInstance(value)) {
      throw ConversionException.corrupt(
          "GGUF metadata %s: expected %s, got %s".formatted(key, type.getSimpleName(), value));
    }
    return type.cast(value);
  }
}
