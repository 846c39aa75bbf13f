package dev.lorax.operator;

import dev.lorax.operator.log.LogKeys;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.okhttp.OkHttpClientFactory;
import io.javaoperatorsdk.operator.OperatorException;
import java.io.IOException;
import java.time.Clock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Entry point of the operator's process. */
public final class OperatorMain {

  private static final Logger LOG = LoggerFactory.getLogger(OperatorMain.class);

  private OperatorMain() {}

  public static void main(String[] arguments) {
    try {
      OperatorConfig config = OperatorConfig.fromEnvironment(System.getenv());
      LOG.atInfo().addKeyValue(LogKeys.CONFIG, config).log("operator starts");
      start(config);
    } catch (IllegalArgumentException wrong) {
      LOG.atError().addKeyValue(LogKeys.PROBLEM, wrong.getMessage()).log("configuration refused");
      System.exit(2);
    } catch (IOException | OperatorException | KubernetesClientException failed) {
      LOG.atError().setCause(failed).log("operator could not start");
      System.exit(1);
    }
  }

  private static void start(OperatorConfig config) throws IOException {
    var client =
        new KubernetesClientBuilder()
            .withConfig(clientConfig(config))
            .withKubernetesSerialization(LeanObjects.serialization())
            .withHttpClientFactory(new OkHttpClientFactory())
            .build();
    var operator =
        LoraxOperator.start(config, client, Clock.systemUTC(), OperatorMain::leadershipLost);
    Runtime.getRuntime().addShutdownHook(new Thread(operator::close, "stop"));
  }

  /** The API server's audit log tells the operator's processes apart by their user agents. */
  private static Config clientConfig(OperatorConfig config) {
    return new ConfigBuilder(Config.autoConfigure(null))
        .withUserAgent("lorax-operator/" + config.instance())
        .build();
  }

  private static void leadershipLost() {
    LOG.atWarn().log("another operator process was elected; this one ends");
    // No shutdown hooks: they would wait for reconciles that the new leader must not meet.
    Runtime.getRuntime().halt(1);
  }
}
