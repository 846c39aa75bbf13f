package dev.lorax.operator.metricsapi;

import dev.lorax.operator.log.LogKeys;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who this server is and whom it lets in, read again every minute: certificates are renewed while
 * it runs. What cannot be read leaves the last one in place.
 */
final class ServingIdentity implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ServingIdentity.class);
  private static final int REREAD_SECONDS = 60;
  private static final String ALIAS = "serving";

  private final Path folder;
  private final FrontProxy proxy;
  private final PeerTrust trust = new PeerTrust();
  private final ScheduledExecutorService rereading =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("certificates").factory());
  private volatile Own own;

  private record Own(PrivateKey key, List<X509Certificate> chain) {}

  private ServingIdentity(Path folder, FrontProxy proxy) throws IOException {
    this.folder = folder;
    this.proxy = proxy;
    this.own = readOwn();
    this.trust.set(proxy.read());
  }

  /**
   * Reads for the first time.
   *
   * @throws IOException where certificate, key or trust cannot be had
   */
  static ServingIdentity start(Path folder, FrontProxy proxy) throws IOException {
    var identity = new ServingIdentity(folder, proxy);
    var _ =
        identity.rereading.scheduleWithFixedDelay(
            identity::reread, REREAD_SECONDS, REREAD_SECONDS, TimeUnit.SECONDS);
    return identity;
  }

  /** A context whose handshakes take what was read last. */
  SSLContext context() {
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[] {new CurrentKey()}, new TrustManager[] {trust}, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    rereading.shutdownNow();
  }

  private Own readOwn() throws IOException {
    return new Own(
        Pem.privateKey(Files.readString(folder.resolve("tls.key"))),
        Pem.certificates(Files.readString(folder.resolve("tls.crt"))));
  }

  private void reread() {
    try {
      own = readOwn();
      trust.set(proxy.read());
    } catch (IOException | KubernetesClientException e) {
      LOG.atWarn()
          .addKeyValue(LogKeys.PROBLEM, e.getMessage())
          .log("certificates of the metrics API could not be read again");
    }
  }

  /** The one key there is, whatever a client asks for. */
  private final class CurrentKey extends X509ExtendedKeyManager {

    @Override
    public String chooseEngineServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
      return ALIAS;
    }

    @Override
    public String chooseServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return ALIAS;
    }

    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return own.chain().toArray(X509Certificate[]::new);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return own.key();
    }

    @Override
    public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
      return null;
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return null;
    }
  }
}
