package dev.lorax.operator.server.apply;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.TreeMap;

/**
 * The JSON by which an object is applied, and a fingerprint of all that it says, the same in each
 * process. The fingerprint has to tell that something is said no more; what is said with another
 * value is {@link Drift}, whatever this number. So it need not stand against somebody who looks for
 * two texts with the same one. Confined to one thread, as the object.
 */
public final class ApplyBody {

  private static final String METADATA = "metadata";

  /** Of FNV-1a with 64 bits. */
  private static final long BASIS = 0xcbf29ce484222325L;

  private static final long PRIME = 0x100000001b3L;

  private final HasMetadata object;

  /** All of it but its metadata, which may change yet. */
  private final String content;

  private ApplyBody(HasMetadata object) {
    this.object = object;
    this.content = FieldWriter.write(object, METADATA);
  }

  public static ApplyBody of(HasMetadata object) {
    return new ApplyBody(object);
  }

  /** Puts the fingerprint of all that the object says so far into an annotation of it. */
  public ApplyBody stamp(String annotation) {
    var annotations = new TreeMap<>(object.getMetadata().getAnnotations());
    annotations.put(annotation, fingerprint());
    object.getMetadata().setAnnotations(annotations);
    return this;
  }

  private String fingerprint() {
    long sum = mix(mix(BASIS, content), metadata());
    return "%016x".formatted(sum);
  }

  private static long mix(long sum, String text) {
    for (int i = 0; i < text.length(); i++) {
      sum = (sum ^ text.charAt(i)) * PRIME;
    }
    return sum;
  }

  private String metadata() {
    return FieldWriter.write(object.getMetadata(), null);
  }

  HasMetadata object() {
    return object;
  }

  /** With the metadata that the object has now. */
  String text() {
    return "{\"%s\":%s,%s".formatted(METADATA, metadata(), content.substring(1));
  }
}
