package dev.lorax.router.access;

import dev.lorax.router.adapter.AdapterKey;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one API key may do. The key itself is not kept, only its hash.
 *
 * @param name how metrics and messages call its owner
 * @param sha256 64 lower-case hexadecimal digits
 * @param adapters ids that it may use, a {@code *} at the end standing for any rest; absent: all
 * @param requestsPerMinute absent: as many as the server bears
 * @param tokensPerMinute prompt and generated tokens; absent: as many as the server bears
 * @param weight share of the server while others wait too
 * @param admin whether it may load, pin and unload adapters
 */
public record ApiKey(
    String name,
    String sha256,
    @Nullable List<String> adapters,
    @Nullable Integer requestsPerMinute,
    @Nullable Integer tokensPerMinute,
    float weight,
    boolean admin) {
  private static final String ANY_REST = "*";

  public ApiKey {
    adapters = adapters == null ? null : List.copyOf(adapters);
  }

  /** Whether it may use the adapter, or all of those that are merged. The base model always. */
  public boolean allows(AdapterKey adapter) {
    return adapters == null || adapter.isBase() || adapter.ids().stream().allMatch(this::allows);
  }

  private boolean allows(String id) {
    if (adapters != null) {
      for (String allowed : adapters) {
        boolean matches =
            allowed.endsWith(ANY_REST)
                ? id.startsWith(allowed.substring(0, allowed.length() - 1))
                : id.equals(allowed);
        if (matches) {
          return true;
        }
      }
    }
    return adapters == null;
  }
}
