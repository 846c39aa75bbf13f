package dev.lorax.launcher.testing.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A hub on one port and the store of its large files on another, as the real one redirects to a
 * content delivery network. The store refuses whoever brings a token along.
 */
public final class HubServer implements AutoCloseable {

  /** What a client with this token may read: everything. */
  public static final String TOKEN = "hf_a-token-that-must-stay-secret";

  /** Known to the hub, but without rights on private or gated repositories. */
  public static final String TOKEN_OF_ANOTHER = "hf_somebody-else";

  private final HttpServer hub;
  private final HttpServer store;
  private final ExecutorService executor = Executors.newCachedThreadPool();
  private final Map<String, HubRepo> repositories = new ConcurrentHashMap<>();
  private final Map<String, Queue<HubFault>> faults = new ConcurrentHashMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong bytesPerSecond = new AtomicLong();
  private final FileAnswer fileAnswer = new FileAnswer(sent, bytesPerSecond);
  private volatile boolean tellsBlobs = true;
  private volatile int storeTokens;

  private HubServer(HttpServer hub, HttpServer store) {
    this.hub = hub;
    this.store = store;
  }

  /** For clients on this machine. */
  public static HubServer start() throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    return start(new InetSocketAddress(loopback, 0), new InetSocketAddress(loopback, 0));
  }

  static HubServer start(InetSocketAddress hub, InetSocketAddress store) throws IOException {
    var server = new HubServer(HttpServer.create(hub, 0), HttpServer.create(store, 0));
    server.hub.createContext("/", exchange -> server.answer(exchange, server::answerAsHub));
    server.store.createContext("/", exchange -> server.answer(exchange, server::answerAsStore));
    for (var http : List.of(server.hub, server.store)) {
      http.setExecutor(server.executor);
      http.start();
    }
    return server;
  }

  public String endpoint() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  /** Creates it when there is none of that name. */
  public HubRepo repo(String id) {
    return repositories.computeIfAbsent(id, HubRepo::new);
  }

  /** What happens to the next answers with the content of this file, or to its listing ("api"). */
  public void script(String path, HubFault... events) {
    faults.put(path, new ArrayDeque<>(List.of(events)));
  }

  /** Slows every file down; 0 does not. */
  public void pace(long bytes) {
    bytesPerSecond.set(bytes);
  }

  /** Mirrors may know nothing of sizes and hashes in listings. */
  public void listWithoutBlobs() {
    tellsBlobs = false;
  }

  /** Bytes of file contents that left so far. */
  public long sentBytes() {
    return sent.get();
  }

  /** Such as {@code GET hub /api/models/org/name/revision/main}, oldest first. */
  public List<String> requests() {
    return List.copyOf(requests);
  }

  public void forgetRequests() {
    requests.clear();
    sent.set(0);
  }

  /** How often somebody sent a token to the store. */
  public int tokensAtStore() {
    return storeTokens;
  }

  private interface Answer {
    void to(HttpExchange exchange, List<String> path) throws IOException;
  }

  private void answer(HttpExchange exchange, Answer answer) throws IOException {
    String host = exchange.getHttpContext().getServer() == hub ? "hub" : "store";
    URI uri = exchange.getRequestURI();
    requests.add("%s %s %s".formatted(exchange.getRequestMethod(), host, uri.getPath()));
    try (exchange) {
      answer.to(exchange, List.of(uri.getRawPath().substring(1).split("/")));
    }
  }

  private void answerAsHub(HttpExchange exchange, List<String> path) throws IOException {
    if (path.size() >= 4 && path.subList(0, 2).equals(List.of("api", "models"))) {
      // /api/models/<org>/<name>, and /revision/<revision> or /tree/<revision> behind it
      boolean tree = path.size() > 5 && path.get(4).equals("tree");
      int at = tree ? 4 : path.lastIndexOf("revision");
      String revision = at < 0 ? "main" : decode(path.get(at + 1));
      list(exchange, String.join("/", path.subList(2, at < 0 ? path.size() : at)), revision, tree);
    } else if (path.size() > 3 && path.subList(0, 2).equals(List.of("api", "resolve-cache"))) {
      // /api/resolve-cache/models/<org>/<name>/<commit>/<file>
      String id = String.join("/", path.subList(3, 5));
      String file = decode(String.join("/", path.subList(6, path.size())));
      HubRepo.Content content = repo(id).file(path.get(5), file);
      head(exchange, path.get(5), content);
      content(exchange, file, content.bytes());
    } else {
      int at = path.indexOf("resolve");
      if (at < 1 || path.size() < at + 3) {
        error(exchange, 404, "", "Sorry, we can't find the page you are looking for.");
        return;
      }
      resolve(
          exchange,
          String.join("/", path.subList(0, at)),
          decode(path.get(at + 1)),
          decode(String.join("/", path.subList(at + 2, path.size()))));
    }
  }

  private void list(HttpExchange exchange, String id, String revision, boolean tree)
      throws IOException {
    HubFault fault = nextFault("api");
    if (fault instanceof HubFault.Status(var code, var headers)) {
      headers.forEach(exchange.getResponseHeaders()::set);
      error(exchange, code, "", "scripted");
      return;
    }
    HubRepo repo = readable(exchange, id, false);
    if (repo == null) {
      return;
    }
    String commit = repo.resolve(revision).orElse(null);
    if (commit == null) {
      error(exchange, 404, "RevisionNotFound", "Invalid rev id: " + revision);
      return;
    }
    boolean blobs =
        tellsBlobs && String.valueOf(exchange.getRequestURI().getQuery()).contains("blobs");
    String listing = tree ? ListingJson.tree(repo, commit) : ListingJson.of(repo, commit, blobs);
    byte[] body = listing.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
    exchange.getResponseHeaders().set("X-Repo-Commit", commit);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
  }

  private void resolve(HttpExchange exchange, String id, String revision, String file)
      throws IOException {
    HubRepo repo = readable(exchange, id, true);
    if (repo == null) {
      return;
    }
    String commit = repo.resolve(revision).orElse(null);
    if (commit == null) {
      error(exchange, 404, "RevisionNotFound", "Invalid rev id: " + revision);
      return;
    }
    HubRepo.Content content = repo.files(commit).get(file);
    if (content == null) {
      error(exchange, 404, "EntryNotFound", "Entry not found");
      return;
    }
    head(exchange, commit, content);
    var headers = exchange.getResponseHeaders();
    headers.set("X-Linked-Size", Integer.toString(content.bytes().length));
    headers.set("X-Linked-Etag", "\"%s\"".formatted(content.etag()));
    if (content.large()) {
      headers.set(
          "Location",
          "http://%s:%d/%s/%s?X-Amz-Signature=%s"
              .formatted(
                  URI.create("//" + exchange.getRequestHeaders().getFirst("Host")).getHost(),
                  store.getAddress().getPort(),
                  id,
                  content.sha256(),
                  file));
      exchange.sendResponseHeaders(302, -1);
    } else {
      headers.set("Location", "/api/resolve-cache/models/%s/%s/%s".formatted(id, commit, file));
      exchange.sendResponseHeaders(307, -1);
    }
  }

  private static void head(HttpExchange exchange, String commit, HubRepo.Content content) {
    exchange.getResponseHeaders().set("X-Repo-Commit", commit);
    exchange.getResponseHeaders().set("ETag", "\"%s\"".formatted(content.etag()));
  }

  private void answerAsStore(HttpExchange exchange, List<String> path) throws IOException {
    if (exchange.getRequestHeaders().containsKey("Authorization")) {
      storeTokens++;
      error(exchange, 400, "", "Only one auth mechanism allowed");
      return;
    }
    String file = exchange.getRequestURI().getQuery().replace("X-Amz-Signature=", "");
    String hash = path.getLast();
    byte[] bytes =
        repositories.values().stream()
            .flatMap(repo -> repo.files(repo.head()).values().stream())
            .filter(content -> content.sha256().equals(hash))
            .findFirst()
            .orElseThrow()
            .bytes();
    exchange.getResponseHeaders().set("ETag", "\"%s\"".formatted(HubRepo.hash("MD5", bytes)));
    content(exchange, file, bytes);
  }

  private void content(HttpExchange exchange, String file, byte[] bytes) throws IOException {
    HubFault fault = exchange.getRequestMethod().equals("GET") ? nextFault(file) : null;
    if (fault instanceof HubFault.Status(var code, var headers)) {
      headers.forEach(exchange.getResponseHeaders()::set);
      error(exchange, code, "", "scripted");
      return;
    }
    fileAnswer.send(exchange, bytes, fault);
  }

  private @Nullable HubFault nextFault(String path) {
    Queue<HubFault> events = faults.get(path);
    if (events == null) {
      return null;
    }
    synchronized (events) {
      return events.poll();
    }
  }

  /** Null when the refusal was sent. Listings of gated repositories are public. */
  private @Nullable HubRepo readable(HttpExchange exchange, String id, boolean contents)
      throws IOException {
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    String token = authorization == null ? "" : authorization.replaceFirst("^Bearer ", "");
    if (!token.isEmpty() && !token.equals(TOKEN) && !token.equals(TOKEN_OF_ANOTHER)) {
      error(exchange, 401, "", "Invalid credentials in Authorization header");
      return null;
    }
    HubRepo repo = repositories.get(id);
    boolean owner = token.equals(TOKEN);
    if (repo == null || (repo.access() == HubRepo.Access.PRIVATE && !owner)) {
      if (token.isEmpty()) {
        error(exchange, 401, "", "Invalid username or password.");
      } else {
        error(exchange, 404, "RepoNotFound", "Repository not found");
      }
      return null;
    }
    if (contents && repo.access() == HubRepo.Access.GATED && !owner) {
      error(
          exchange,
          token.isEmpty() ? 401 : 403,
          "GatedRepo",
          "Access to model %s is restricted.".formatted(id));
      return null;
    }
    return repo;
  }

  private static void error(HttpExchange exchange, int status, String code, String message)
      throws IOException {
    var headers = exchange.getResponseHeaders();
    if (!code.isEmpty()) {
      headers.set("X-Error-Code", code);
    }
    headers.set("X-Error-Message", message);
    headers.set("Content-Type", "application/json; charset=utf-8");
    byte[] body = "{\"error\":\"%s\"}".formatted(message).getBytes(StandardCharsets.UTF_8);
    boolean head = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(status, head ? -1 : body.length);
    if (!head) {
      exchange.getResponseBody().write(body);
    }
  }

  private static String decode(String part) {
    return URLDecoder.decode(part, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    hub.stop(0);
    store.stop(0);
    executor.shutdownNow();
  }
}
