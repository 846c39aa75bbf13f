package dev.lorax.e2e.demo;

import dev.lorax.e2e.cluster.Cluster;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/** What a person can go on with once the demo runs. */
record Closing(Cluster cluster, String namespace, String server, URI url) {

  List<String> lines() {
    String kubectl = cluster.kubectlInShell() + " --namespace " + namespace;
    List<String> lines = new ArrayList<>();
    lines.addAll(List.of("", "The server answers at " + url + ", until you remove it:", ""));
    lines.add(
        "  curl %s/v1/chat/completions --header 'content-type: application/json' \\"
            .formatted(url));
    lines.add(
        "    --data '{\"model\": \"pirate\", \"messages\": [{\"role\": \"user\", \"content\":"
            + " \"What is the capital of Spain?\"}]}'");
    lines.addAll(List.of("", "Go on with kubectl:", ""));
    cluster.shellSetup().forEach(line -> lines.add("  " + line));
    lines.add("  " + kubectl + " get loraxservers");
    lines.add("  " + kubectl + " describe loraxserver " + server);
    lines.add("  " + kubectl + " scale loraxserver " + server + " --replicas=2");
    lines.add("  " + kubectl + " get pods --watch");
    lines.addAll(List.of("", "Remove everything:", "", "  ./lorax demo --down", ""));
    return lines;
  }
}
