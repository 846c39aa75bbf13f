package node

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"k8s.io/client-go/kubernetes"

	"lorax.dev/cluster/network"
)

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`

func (n *node) startEtcd() error {
	return n.startPart("etcd",
		"--data-dir="+n.folder.Path("etcd"),
		"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
		"--listen-peer-urls=http://127.0.0.1:2380",
		// The objects of a test need not survive a power cut, and syncing each write is slow.
		"--unsafe-no-fsync", "--log-level=warn")
}

func (n *node) startAPIServer() error {
	keys := func(name string) string { return n.folder.Path("keys", name) }
	args := []string{
		"--etcd-servers=http://127.0.0.1:2379",
		"--secure-port=" + strconv.Itoa(network.APIPort), "--advertise-address=" + network.Node,
		"--service-cluster-ip-range=" + network.Services,
		"--tls-cert-file=" + keys("apiserver.crt"), "--tls-private-key-file=" + keys("apiserver.key"),
		"--token-auth-file=" + keys("tokens.csv"), "--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + keys("service-account.key"),
		"--service-account-signing-key-file=" + keys("service-account.key"),
		"--requestheader-client-ca-file=" + keys("front-proxy-ca.crt"),
		"--requestheader-allowed-names=" + frontProxy,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + keys("front-proxy-client.crt"),
		"--proxy-client-key-file=" + keys("front-proxy-client.key"),
		"--allow-privileged",
		// Nothing resolves the node's name; logs and exec go to its address.
		"--kubelet-preferred-address-types=InternalIP",
	}
	if n.audit {
		policy := n.folder.Path("config", "audit.yaml")
		if err := os.WriteFile(policy, []byte(auditPolicy), 0o644); err != nil {
			return err
		}
		args = append(args, "--audit-policy-file="+policy, "--audit-log-path="+n.folder.Path("logs", "audit.jsonl"))
	}
	return n.startPart("kube-apiserver", args...)
}

func (n *node) startControllers() error {
	keys := func(name string) string { return n.folder.Path("keys", name) }
	err := n.startPart("kube-controller-manager",
		"--kubeconfig="+partConfig(n.folder, "kube-controller-manager"),
		"--leader-elect=false", "--use-service-account-credentials",
		// Fifteen seconds otherwise, which tests of autoscaling would spend waiting.
		"--horizontal-pod-autoscaler-sync-period=3s",
		"--root-ca-file="+keys("ca.crt"),
		"--service-account-private-key-file="+keys("service-account.key"))
	if err != nil {
		return err
	}
	return n.startPart("kube-scheduler",
		"--kubeconfig="+partConfig(n.folder, "kube-scheduler"), "--leader-elect=false")
}

// apiServerReady asks the API server itself; until then not even its bootstrap roles exist.
func apiServerReady(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("the API server is not ready: %w", err)
	}
	return nil
}
