package dev.lorax.launcher.preflight;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

/** Whether the ports that members will listen on are free, while nobody has loaded anything. */
final class PortCheck {

  private PortCheck() {}

  static List<Problem> problems(LauncherConfig config) {
    List<Problem> problems = new ArrayList<>();
    var router = config.router();
    check("--port", new InetSocketAddress(router.hostname(), router.port()), problems);
    var shards = config.shards();
    if (shards.count() > 1) {
      checkMeetingPlace(shards.masterAddress(), shards.masterPort(), problems);
    }
    return problems;
  }

  private static void checkMeetingPlace(String host, int port, List<Problem> problems) {
    try {
      InetAddress address = InetAddress.getByName(host);
      // The first shard listens there, and it runs on this machine.
      if (address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null) {
        check("--master-port", new InetSocketAddress(port), problems);
      } else {
        problems.add(
            new Problem(
                FailureCode.WRONG_ARGUMENTS,
                "--master-addr: expected an address of this machine, got %s; leave it out"
                    .formatted(host)));
      }
    } catch (UnknownHostException e) {
      problems.add(
          new Problem(
              FailureCode.WRONG_ARGUMENTS,
              "--master-addr: expected a host that resolves, got %s".formatted(host)));
    } catch (IOException e) {
      problems.add(
          new Problem(
              FailureCode.WRONG_ARGUMENTS, "--master-addr %s: %s".formatted(host, e.getMessage())));
    }
  }

  private static void check(String option, InetSocketAddress address, List<Problem> problems) {
    try (var socket = new ServerSocket()) {
      // As the members do it: connections that only linger do not count.
      socket.setReuseAddress(true);
      socket.bind(address);
    } catch (BindException e) {
      problems.add(
          new Problem(
              FailureCode.PORT_TAKEN,
              "%s: expected a port to listen on, got %d: %s; end the process that has it, or give another"
                  .formatted(option, address.getPort(), e.getMessage())));
    } catch (IOException e) {
      problems.add(
          new Problem(
              FailureCode.of(e), "%s %d: %s".formatted(option, address.getPort(), e.getMessage())));
    }
  }
}
