package dev.lorax.operator.server.drift;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class FingerprintTest {

  /**
   * A number that another process would compute otherwise would write each object at each start.
   */
  @Test
  void is_the_same_for_all_time() {
    assertThat(Fingerprint.of(of(Map.of("model", "base")))).isEqualTo("445edcc4078c3cb4");
  }

  @Property
  void does_not_depend_on_the_order_of_entries(@ForAll Map<String, String> data) {
    // given
    var sorted = new TreeMap<>(data);
    var reversed = new LinkedHashMap<>(sorted.descendingMap());

    // when, then
    assertThat(Fingerprint.of(of(sorted))).isEqualTo(Fingerprint.of(of(reversed)));
  }

  @Property
  void changes_with_each_entry_that_goes(@ForAll Map<String, String> data, @ForAll String key) {
    // given
    var more = new TreeMap<>(data);
    more.put(key, "value");
    var less = new TreeMap<>(more);
    less.remove(key);

    // when, then
    assertThat(Fingerprint.of(of(more))).isNotEqualTo(Fingerprint.of(of(less)));
  }

  private static ConfigMap of(Map<String, String> data) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName("it")
        .endMetadata()
        .withData(data)
        .build();
  }
}
