package dev.lorax.operator.server.manifest;

import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.Pod;
import java.net.URI;
import java.util.Optional;

/** Where the launcher of a pod tells how far it is, as its manifest says. */
public final class StatusAddress {

  private StatusAddress() {}

  /** Empty until the pod has an address. */
  public static Optional<URI> of(Pod pod) {
    return Optional.ofNullable(pod.getStatus().getPodIP())
        .filter(address -> !address.isBlank())
        .flatMap(address -> port(pod).map(port -> uri(address, port)));
  }

  private static Optional<Integer> port(Pod pod) {
    return pod.getSpec().getInitContainers().stream()
        .filter(container -> container.getName().equals(LauncherContainer.NAME))
        .flatMap(launcher -> launcher.getPorts().stream())
        .filter(port -> LauncherContainer.STATUS.equals(port.getName()))
        .map(ContainerPort::getContainerPort)
        .findFirst();
  }

  private static URI uri(String address, int port) {
    String host = address.contains(":") ? "[" + address + "]" : address;
    return URI.create("http://%s:%d/status".formatted(host, port));
  }
}
