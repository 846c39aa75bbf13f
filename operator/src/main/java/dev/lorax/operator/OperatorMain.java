package dev.lorax.operator;

import dev.lorax.operator.log.LogKeys;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.time.Clock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Entry point of the operator's process. */
public final class OperatorMain {

  private static final Logger LOG = LoggerFactory.getLogger(OperatorMain.class);

  private OperatorMain() {}

  public static void main(String[] arguments) throws IOException {
    OperatorConfig config;
    try {
      config = OperatorConfig.fromEnvironment(System.getenv());
    } catch (IllegalArgumentException wrong) {
      LOG.atError().addKeyValue(LogKeys.PROBLEM, wrong.getMessage()).log("configuration refused");
      System.exit(2);
      return;
    }
    LOG.atInfo().addKeyValue(LogKeys.CONFIG, config).log("operator starts");
    var operator =
        LoraxOperator.start(config, new KubernetesClientBuilder().build(), Clock.systemUTC());
    Runtime.getRuntime().addShutdownHook(new Thread(operator::close, "stop"));
  }
}
