package dev.lorax.launcher.preflight;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.config.LauncherConfig.ProcessHostKind;
import dev.lorax.launcher.config.TokenLimits;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.machine.KernelFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds in a moment what would otherwise show after minutes of download or loading.
 *
 * <p>In a pod, devices and shared memory are those of the other containers, and a port in use may
 * be that of the router to adopt; there, only what follows from the configuration is checked.
 */
public final class Preflight {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final LauncherConfig config;
  private final Map<String, String> variables;
  private final KernelFiles kernel;

  public Preflight(LauncherConfig config, Map<String, String> variables, KernelFiles kernel) {
    this.config = config;
    this.variables = Map.copyOf(variables);
    this.kernel = kernel;
  }

  /** What the machine has to offer. */
  public void checkMachine() throws PreflightException {
    if (config.place().processHost() == ProcessHostKind.POD) {
      return;
    }
    var shards = config.shards();
    List<Problem> problems = new ArrayList<>();
    new DeviceCheck(shards, variables, kernel).problem().ifPresent(problems::add);
    new SharedMemoryCheck(shards, variables, kernel).problem().ifPresent(problems::add);
    problems.addAll(PortCheck.problems(config));
    refuse(problems);
    if (shards.count() > 1) {
      tellNcclSettings();
    }
  }

  /** What the model can do, before any process loads it. */
  public void checkModel(OptionalInt contextLength) throws PreflightException {
    refuse(
        TokenLimits.of(config.router().limits(), config.router().chunkedPrefill(), contextLength)
            .problems()
            .stream()
            .map(sentence -> new Problem(FailureCode.WRONG_ARGUMENTS, sentence))
            .toList());
  }

  private static void refuse(List<Problem> problems) throws PreflightException {
    if (!problems.isEmpty()) {
      throw new PreflightException(problems);
    }
  }

  /** They decide how shards talk, and are easily forgotten in a shell. */
  private void tellNcclSettings() {
    new TreeMap<>(variables)
        .forEach((name, value) -> {
          if (name.startsWith("NCCL_")) {
            LOG.atInfo()
                .addKeyValue("variable", name)
                .addKeyValue("value", value)
                .log("shards take a setting of NCCL from the environment");
          }
        });
  }
}
