package dev.lorax.operator.server.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.throwable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.okhttp.OkHttpClientFactory;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class ApplierTest {

  private static final String WRITTEN =
      """
      {"metadata": {"name": "it", "uid": "u-1", "resourceVersion": "7",
        "creationTimestamp": "2026-01-02T03:04:05Z", "managedFields": [{"manager": "me"}]}}
      """;

  private final Queue<String> tokens = new ConcurrentLinkedQueue<>(List.of("first", "second"));

  private ScriptedApiServer server;
  private KubernetesClient client;
  private Applier applier;

  @BeforeEach
  void start() throws IOException {
    server = ScriptedApiServer.start();
    Config config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(server.address())
            .withUserAgent("it/1")
            // A credential that is another one each time it is asked for, but for the last.
            .withOauthTokenProvider(() -> tokens.size() > 1 ? tokens.remove() : tokens.element())
            .withRequestTimeout(500)
            .withRequestRetryBackoffInterval(1)
            .withRequestRetryBackoffLimit(2)
            .build();
    client =
        new KubernetesClientBuilder()
            .withConfig(config)
            .withHttpClientFactory(new OkHttpClientFactory())
            .build();
    applier = new Applier(client, "me");
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void applies_an_object_and_tells_what_only_the_api_server_knows() {
    // given
    server.answers(200, WRITTEN);

    // when
    Written written = applier.apply(ApplyBody.of(object()));

    // then
    assertThat(written).isEqualTo(new Written("u-1", "7", null, "2026-01-02T03:04:05Z"));
    assertThat(server.seen())
        .singleElement()
        .isEqualTo(
            new ScriptedApiServer.Seen(
                "PATCH",
                "/api/v1/namespaces/there/configmaps/it?fieldManager=me&force=true",
                "application/apply-patch+yaml; charset=utf-8",
                "Bearer first",
                "it/1",
                ApplyBody.of(object()).text()));
  }

  @Test
  void applies_a_status_below_its_object() {
    // given
    server.answers(200, WRITTEN);

    // when
    applier.applyStatus(ApplyBody.of(object()));

    // then
    assertThat(server.seen().getFirst().target())
        .isEqualTo("/api/v1/namespaces/there/configmaps/it/status?fieldManager=me&force=true");
  }

  @Test
  void creates_an_object_among_the_others() {
    // given
    server.answers(201, WRITTEN);

    // when
    applier.create(ApplyBody.of(object()));

    // then
    assertThat(server.seen().getFirst())
        .extracting(ScriptedApiServer.Seen::method, ScriptedApiServer.Seen::target)
        .containsExactly("POST", "/api/v1/namespaces/there/configmaps");
  }

  @Test
  void sends_again_with_a_new_token_where_the_old_one_is_refused() {
    // given
    server.answers(401, "{}").answers(200, WRITTEN);

    // when
    Written written = applier.apply(ApplyBody.of(object()));

    // then
    assertThat(written.uid()).isEqualTo("u-1");
    assertThat(server.seen())
        .extracting(ScriptedApiServer.Seen::authorization)
        .containsExactly("Bearer first", "Bearer second");
    assertThat(server.seen())
        .extracting(ScriptedApiServer.Seen::body)
        .containsOnly(ApplyBody.of(object()).text());
  }

  @Test
  void tries_again_where_the_api_server_has_too_much_to_do() {
    // given
    server.answers(429, "{}").answers(503, "{}").answers(200, WRITTEN);

    // when, then
    assertThat(applier.apply(ApplyBody.of(object())).resourceVersion()).isEqualTo("7");
    assertThat(server.seen()).hasSize(3);
  }

  @Test
  void says_why_it_was_refused() {
    // given
    String refusal =
        """
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403,
          "reason": "Forbidden", "message": "exceeded quota: one"}
        """;
    server.answers(403, refusal).answers(403, refusal);

    // when, then
    assertThatThrownBy(() -> applier.apply(ApplyBody.of(object())))
        .asInstanceOf(throwable(KubernetesClientException.class))
        .hasMessageContaining("exceeded quota: one")
        .returns(403, KubernetesClientException::getCode);
  }

  @Test
  void fails_where_no_answer_comes() {
    // given
    server.staysSilent();

    // when, then
    assertThatThrownBy(() -> applier.apply(ApplyBody.of(object())))
        .isInstanceOf(KubernetesClientException.class);
  }

  @Test
  void tells_once_what_the_api_server_warns_of() {
    // given
    var logger = (Logger) LoggerFactory.getLogger(DirectHttp.class);
    var lines = new ListAppender<ILoggingEvent>();
    lines.start();
    logger.addAppender(lines);
    server.warns("would violate PodSecurity").answers(200, WRITTEN).answers(200, WRITTEN);

    // when
    applier.apply(ApplyBody.of(object()));
    applier.apply(ApplyBody.of(object()));

    // then
    logger.detachAppender(lines);
    assertThat(lines.list)
        .singleElement()
        .returns(Level.WARN, ILoggingEvent::getLevel)
        .extracting(line -> line.getKeyValuePairs().getLast().value)
        .isEqualTo("299 - \"would violate PodSecurity\"");
  }

  private static ConfigMap object() {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName("it")
        .withNamespace("there")
        .endMetadata()
        .addToData("model", "base")
        .build();
  }
}
