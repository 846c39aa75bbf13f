package node

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"lorax.dev/cluster/network"
	"lorax.dev/cluster/state"
)

// inside is the API server as seen within the cluster's network namespace.
var inside = fmt.Sprintf("https://127.0.0.1:%d", network.APIPort)

// partConfig is the path of the kubeconfig with which a part speaks to the API server.
func partConfig(folder state.Folder, part string) string {
	return folder.Path("config", part+".kubeconfig")
}

// WriteAccess makes the cluster's keys and the administrator's kubeconfig, which leads from the
// machine outside through the given port.
func WriteAccess(folder state.Folder, port int) error {
	if err := makeKeys(folder); err != nil {
		return err
	}
	return writeKubeconfig(folder, "admin", folder.Kubeconfig(), fmt.Sprintf("https://127.0.0.1:%d", port))
}

func writePartConfigs(folder state.Folder) error {
	for part := range users {
		if err := writeKubeconfig(folder, part, partConfig(folder, part), inside); err != nil {
			return err
		}
	}
	return nil
}

func writeKubeconfig(folder state.Folder, part, path, server string) error {
	authority, err := os.ReadFile(folder.Path("keys", "ca.crt"))
	if err != nil {
		return err
	}
	token, err := tokenOf(folder, part)
	if err != nil {
		return err
	}
	config := api.NewConfig()
	config.Clusters["lorax"] = &api.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos[part] = &api.AuthInfo{Token: token}
	config.Contexts["lorax"] = &api.Context{Cluster: "lorax", AuthInfo: part}
	config.CurrentContext = "lorax"
	return clientcmd.WriteToFile(*config, path)
}
