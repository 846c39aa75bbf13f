package part

import "strings"

// onLoopback keeps etcd off the machine's other addresses: fabric8's kube-api-test tells it to
// listen on 0.0.0.0, where anyone on the network could write to it.
func onLoopback(args []string) []string {
	kept := make([]string, len(args))
	for i, arg := range args {
		kept[i] = strings.ReplaceAll(arg, "//0.0.0.0:", "//127.0.0.1:")
	}
	return kept
}
