package dev.lorax.operator.server.apply;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class ApplyBodyTest {

  private static final String STAMP = "lorax.dev/applied";

  /**
   * A number that another process would compute otherwise would write each object at each start.
   */
  @Test
  void is_the_same_for_all_time() {
    assertThat(fingerprint(of(Map.of("model", "base")))).isEqualTo("97eae13ae5ea2b76");
  }

  @Property
  void does_not_depend_on_the_order_of_entries(@ForAll Map<String, String> data) {
    // given
    var sorted = new TreeMap<>(data);
    var reversed = new LinkedHashMap<>(sorted.descendingMap());

    // when, then
    assertThat(fingerprint(of(sorted))).isEqualTo(fingerprint(of(reversed)));
  }

  @Property
  void changes_with_each_entry_that_goes(@ForAll Map<String, String> data, @ForAll String key) {
    // given
    var more = new TreeMap<>(data);
    more.put(key, "value");
    var less = new TreeMap<>(more);
    less.remove(key);

    // when, then
    assertThat(fingerprint(of(more))).isNotEqualTo(fingerprint(of(less)));
  }

  @Test
  void says_the_metadata_as_it_is_when_it_is_sent() {
    // given
    ConfigMap object = of(Map.of("model", "base"));
    ApplyBody body = ApplyBody.of(object).stamp(STAMP);

    // when
    object.getMetadata().setResourceVersion("1");

    // then
    assertThat(body.text())
        .isEqualTo(
            "{\"metadata\":{\"annotations\":{\"lorax.dev/applied\":\"%s\"},\"name\":\"it\","
                    .formatted(fingerprint(of(Map.of("model", "base"))))
                + "\"resourceVersion\":\"1\"},\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
                + "\"data\":{\"model\":\"base\"}}");
  }

  private static String fingerprint(ConfigMap object) {
    ApplyBody.of(object).stamp(STAMP);
    return requireNonNull(object.getMetadata().getAnnotations().get(STAMP));
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
