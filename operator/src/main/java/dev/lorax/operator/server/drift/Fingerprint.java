package dev.lorax.operator.server.drift;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A number for all that an object says, the same in each process. It has to tell that something is
 * said no more; what is said with another value is {@link Drift}, whatever this number. So it need
 * not stand against somebody who looks for two texts with the same one.
 */
public final class Fingerprint {

  /** Of FNV-1a with 64 bits. */
  private static final long BASIS = 0xcbf29ce484222325L;

  private static final long PRIME = 0x100000001b3L;

  private long sum = BASIS;

  private Fingerprint() {}

  /** Of {@code object}, as 16 hexadecimal digits. */
  public static String of(HasMetadata object) {
    var fingerprint = new Fingerprint();
    fingerprint.take(object);
    return "%016x".formatted(fingerprint.sum);
  }

  private void take(Object value) {
    if (Fields.isScalar(value)) {
      mix(value.toString().hashCode());
      return;
    }
    switch (value) {
      case Map<?, ?> map -> takeMap(new TreeMap<>(map));
      case List<?> list -> {
        mix(list.size());
        list.forEach(this::take);
      }
      default -> takeFields(value);
    }
  }

  private void takeMap(Map<?, ?> map) {
    mix(map.size());
    for (var entry : map.entrySet()) {
      take(entry.getKey());
      take(entry.getValue());
    }
  }

  private void takeFields(Object object) {
    for (var field : Fields.of(object).all()) {
      Object value = field.of(object);
      if (value != null) {
        take(field.name());
        take(value);
      }
    }
    mix(object.getClass().getSimpleName().hashCode());
  }

  /** The hash of a text is as the language says, in each process. */
  private void mix(int number) {
    sum = (sum ^ number) * PRIME;
  }
}
