// Lorax-cluster is a whole Kubernetes of one node in one program, made for tests and demos: the
// control plane, the node and kubectl are linked in, and run in namespaces of their own.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // CronJob time zones without the machine's zone files

	"lorax.dev/cluster/command"
	"lorax.dev/cluster/part"
)

func main() {
	// A symbolic link named after a part acts as that part; so does the part's name as a verb.
	if name := filepath.Base(os.Args[0]); part.Known(name) {
		os.Exit(part.Run(name, os.Args[1:]))
	}
	if len(os.Args) > 1 && part.Known(os.Args[1]) {
		os.Exit(part.Run(os.Args[1], os.Args[2:]))
	}
	if err := command.Root().Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "lorax-cluster: %v\n", err)
		os.Exit(1)
	}
}
