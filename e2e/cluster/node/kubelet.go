package node

import (
	"os"
	"text/template"

	"lorax.dev/cluster/network"
)

var kubeletConfig = template.Must(template.New("kubelet").Parse(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: {{.Endpoint}}
cgroupDriver: cgroupfs
cgroupRoot: /{{.Cgroup}}
failCgroupV1: false
failSwapOn: false
clusterDNS: [{{.Node}}]
clusterDomain: cluster.local
resolvConf: {{.Resolver}}
makeIPTablesUtilChains: false
# The kubelet is reached within the cluster's network namespace only.
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
readOnlyPort: 0
healthzPort: 0
# Images come from archives and cannot be pulled again: never collect them.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
`))

const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: ` + network.Pods + `
conntrack: {maxPerCore: 0, min: 0}
healthzBindAddress: ""
metricsBindAddress: 127.0.0.1:10249
`

func (n *node) startKubelet() error {
	resolver := n.folder.Path("config", "resolv.conf")
	if err := os.WriteFile(resolver, []byte("nameserver "+network.Node+"\n"), 0o644); err != nil {
		return err
	}
	config, err := os.Create(n.folder.Path("config", "kubelet.yaml"))
	if err != nil {
		return err
	}
	defer config.Close()
	err = kubeletConfig.Execute(config, map[string]string{
		"Endpoint": n.endpoint(), "Cgroup": n.folder.Cgroup(), "Node": network.Node, "Resolver": resolver,
	})
	if err != nil {
		return err
	}
	return n.startPart("kubelet", "--config="+config.Name(), "--kubeconfig="+partConfig(n.folder, "kubelet"),
		"--hostname-override="+Name, "--node-ip="+network.Node)
}

func (n *node) startProxy() error {
	config := n.folder.Path("config", "kube-proxy.yaml")
	text := proxyConfig + "clientConnection: {kubeconfig: " + partConfig(n.folder, "kube-proxy") + "}\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	return n.startPart("kube-proxy", "--config="+config, "--hostname-override="+Name)
}
