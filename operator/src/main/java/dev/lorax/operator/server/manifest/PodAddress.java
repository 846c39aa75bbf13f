package dev.lorax.operator.server.manifest;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.Pod;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Where the processes of a pod answer, as its manifest says; empty until it has an address. */
public final class PodAddress {

  private PodAddress() {}

  private static final Set<String> STATUS = Set.of(LauncherContainer.STATUS);
  private static final Set<String> ROUTER = Set.of(RouterContainer.HTTP, RouterContainer.HTTPS);

  /** Where the launcher tells how far it is. */
  public static Optional<URI> launcherStatus(Pod pod) {
    return address(
        pod, pod.getSpec().getInitContainers(), LauncherContainer.NAME, STATUS, "/status");
  }

  /** Where the router tells how much it has to do. */
  public static Optional<URI> routerMetrics(Pod pod) {
    return address(pod, pod.getSpec().getContainers(), RouterContainer.NAME, ROUTER, "/metrics");
  }

  private static Optional<URI> address(
      Pod pod, List<Container> containers, String name, Set<String> ports, String path) {
    return Optional.ofNullable(pod.getStatus().getPodIP())
        .filter(address -> !address.isBlank())
        .flatMap(address -> port(containers, name, ports).map(port -> uri(address, port, path)));
  }

  private static Optional<ContainerPort> port(
      List<Container> containers, String name, Set<String> ports) {
    return containers.stream()
        .filter(container -> container.getName().equals(name))
        .flatMap(container -> container.getPorts().stream())
        .filter(port -> ports.contains(port.getName()))
        .findFirst();
  }

  private static URI uri(String address, ContainerPort port, String path) {
    String scheme = port.getName().equals(RouterContainer.HTTPS) ? "https" : "http";
    String host = address.contains(":") ? "[" + address + "]" : address;
    return URI.create("%s://%s:%d%s".formatted(scheme, host, port.getContainerPort(), path));
  }
}
