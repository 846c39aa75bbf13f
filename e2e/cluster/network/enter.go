package network

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// Enter becomes another program inside the network namespace of a process. It returns only when
// it fails.
func Enter(process int, command []string) error {
	program, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", process))
	if err != nil {
		return fmt.Errorf("network namespace of the cluster: %w", err)
	}
	// Only this thread enters; exec keeps the namespaces of the thread that calls it.
	runtime.LockOSThread()
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("network namespace of the cluster: %w (root is needed)", err)
	}
	return unix.Exec(program, command, os.Environ())
}
