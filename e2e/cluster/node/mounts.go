package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
	"k8s.io/component-helpers/node/util/sysctl"

	"lorax.dev/cluster/state"
)

// The kubelet sets these for the whole machine unless it finds them set. It is shown files that
// say so: a cluster for a test must leave the machine as it was.
var shownToKubelet = map[string]int{
	sysctl.VMOvercommitMemory: sysctl.VMOvercommitMemoryAlways,
	sysctl.VMPanicOnOOM:       sysctl.VMPanicOnOOMInvokeOOMKiller,
	sysctl.KernelPanic:        sysctl.KernelPanicRebootTimeout,
	sysctl.KernelPanicOnOops:  sysctl.KernelPanicOnOopsAlways,
	sysctl.RootMaxKeys:        sysctl.RootMaxKeysSetting,
	sysctl.RootMaxBytes:       sysctl.RootMaxBytesSetting,
}

// mountPrivately arranges the mount namespace: nothing mounted from now on shows on the machine.
func mountPrivately(folder state.Folder) error {
	steps := []func() error{
		func() error { return mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE) },
		func() error { return mount("proc", "/proc", "proc", 0) },
		func() error { return renewSysfs(folder) },
		func() error { return addFolders("/var/lib", folder.Path("config", "lib"), "kubelet", "cni") },
		func() error { return addFolders("/run", folder.Path("config", "run"), "containerd") },
		func() error { return mount(folder.Path("kubelet"), "/var/lib/kubelet", "", unix.MS_BIND) },
		func() error { return mount(folder.Path("log"), "/var/log", "", unix.MS_BIND) },
		func() error { return showSysctls(folder) },
		// Pods may ask for mount propagation, which needs a shared root.
		func() error { return mount("", "/", "", unix.MS_REC|unix.MS_SHARED) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// renewSysfs makes /sys show this network namespace, and keeps the control groups in it.
func renewSysfs(folder state.Folder) error {
	aside := folder.Path("config", "cgroup")
	if err := os.MkdirAll(aside, 0o755); err != nil {
		return err
	}
	if err := mount("/sys/fs/cgroup", aside, "", unix.MS_BIND|unix.MS_REC); err != nil {
		return err
	}
	if err := mount("sysfs", "/sys", "sysfs", 0); err != nil {
		return err
	}
	return mount(aside, "/sys/fs/cgroup", "", unix.MS_MOVE)
}

func showSysctls(folder state.Folder) error {
	for name, value := range shownToKubelet {
		shown := folder.Path("config", filepath.Base(name))
		if err := os.WriteFile(shown, []byte(strconv.Itoa(value)+"\n"), 0o644); err != nil {
			return err
		}
		if err := mount(shown, filepath.Join("/proc/sys", name), "", unix.MS_BIND); err != nil {
			return err
		}
	}
	return nil
}

func mount(source, target, kind string, flags uintptr) error {
	if err := unix.Mount(source, target, kind, flags, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", source, target, err)
	}
	return nil
}
