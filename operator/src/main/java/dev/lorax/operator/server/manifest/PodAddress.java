package dev.lorax.operator.server.manifest;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.Pod;
import java.net.URI;
import java.util.List;
import java.util.Optional;

/** Where the processes of a pod answer, as its manifest says; empty until it has an address. */
public final class PodAddress {

  private PodAddress() {}

  /** Where the launcher tells how far it is. */
  public static Optional<URI> launcherStatus(Pod pod) {
    return address(
        pod,
        pod.getSpec().getInitContainers(),
        LauncherContainer.NAME,
        LauncherContainer.STATUS,
        "/status");
  }

  /** Where the router tells how much it has to do. */
  public static Optional<URI> routerMetrics(Pod pod) {
    return address(
        pod, pod.getSpec().getContainers(), RouterContainer.NAME, RouterContainer.HTTP, "/metrics");
  }

  private static Optional<URI> address(
      Pod pod, List<Container> containers, String name, String port, String path) {
    return Optional.ofNullable(pod.getStatus().getPodIP())
        .filter(address -> !address.isBlank())
        .flatMap(address -> port(containers, name, port).map(number -> uri(address, number, path)));
  }

  private static Optional<Integer> port(List<Container> containers, String name, String port) {
    return containers.stream()
        .filter(container -> container.getName().equals(name))
        .flatMap(container -> container.getPorts().stream())
        .filter(found -> port.equals(found.getName()))
        .map(ContainerPort::getContainerPort)
        .findFirst();
  }

  private static URI uri(String address, int port, String path) {
    String host = address.contains(":") ? "[" + address + "]" : address;
    return URI.create("http://%s:%d%s".formatted(host, port, path));
  }
}
