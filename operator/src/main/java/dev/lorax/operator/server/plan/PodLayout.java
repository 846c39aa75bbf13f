package dev.lorax.operator.server.plan;

/** Places and ports inside the pod, the same for every server; a contract with the images. */
public final class PodLayout {

  /** Unix sockets of launcher, shards and router. */
  public static final String SOCKETS = "/run/lorax";

  /** The socket at which agents attach to the launcher. */
  public static final String CONTROL_SOCKET = SOCKETS + "/control.sock";

  /** The launcher puts the agent and its runtime here for the other containers. */
  public static final String AGENT = "/agent";

  /** The agent's program, entrypoint of shard and router containers. */
  public static final String AGENT_PROGRAM = AGENT + "/bin/lorax-agent";

  /** The launcher's program in its own image. */
  public static final String LAUNCHER_PROGRAM = "/opt/lorax/bin/lorax-launcher";

  /** Downloaded and converted weights. */
  public static final String CACHE = "/data";

  /** The claim that holds the model. */
  public static final String MODELS = "/models";

  /** The claim that holds the adapters, where it is another one than the model's. */
  public static final String ADAPTERS = "/adapters";

  /** What is secret about the hub, where there is something. */
  public static final String HUB_SECRETS = "/run/secrets/lorax/hub";

  /** Name of the file with the hub's token in there. */
  public static final String HUB_TOKEN = "token";

  /** Where the router finds the file of API keys, if there is one. */
  public static final String API_KEYS = "/run/secrets/lorax/api-keys";

  /** Name of the file in there. */
  public static final String API_KEYS_FILE = "keys.json";

  /** Where the router finds certificate and key, if it has them. */
  public static final String TLS = "/run/secrets/lorax/tls";

  /** Name of the certificate in there, as in Secrets of type {@code kubernetes.io/tls}. */
  public static final String TLS_CERTIFICATE = "tls.crt";

  /** Name of its key in there. */
  public static final String TLS_KEY = "tls.key";

  public static final int ROUTER_PORT = 3000;

  /** The launcher answers the probes of all containers but the router's here. */
  public static final int STATUS_PORT = 9000;

  private PodLayout() {}
}
