package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"lorax.dev/cluster/node"
	"lorax.dev/cluster/state"
)

// Programs of the machine that the node runs, and the Debian package of each.
var required = map[string]string{
	"containerd": "containerd", "ctr": "containerd", "runc": "runc", "nft": "nftables", "busybox": "busybox-static",
}

type upOptions struct {
	images  []string
	port    int
	devices int
	audit   bool
	detach  bool
}

func upCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "up", Short: "Start a cluster and hold it until this command is ended", Args: cobra.NoArgs,
		Long: "Start a cluster and hold it until this command is ended, in whatever way.\n" +
			"The last line it prints is \"ready: KUBECONFIG\".",
	}
	path := stateFlag(command)
	var options upOptions
	flags := command.Flags()
	flags.StringSliceVar(&options.images, "images", nil, "docker-archive files to import")
	flags.IntVar(&options.port, "port", 0, "port of the API server on 127.0.0.1; 0 takes a free one")
	flags.IntVar(&options.devices, "devices", 0, "number of fake nvidia.com/gpu to advertise")
	flags.BoolVar(&options.audit, "audit", false, "write logs/audit.jsonl in the state folder")
	flags.BoolVar(&options.detach, "detach", false, "return when the cluster is ready; lorax-cluster down ends it")
	command.RunE = func(*cobra.Command, []string) error {
		folder, err := prepare(*path)
		if err != nil {
			return err
		}
		if options.detach {
			return detach(folder)
		}
		return hold(folder, options)
	}
	return command
}

// prepare checks what the machine lacks and makes the state folder.
func prepare(path string) (state.Folder, error) {
	if err := mustBeRoot(); err != nil {
		return "", err
	}
	// Debian keeps some of the programs out of an ordinary user's path.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return "", err
	}
	for program, of := range required {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("program %s is missing (Debian package %s); run install-packages.sh", program, of)
		}
	}
	folder, err := state.At(path)
	if err != nil {
		return "", err
	}
	if runners, err := folder.Runners(); err != nil || runners.Init.Alive() {
		return "", errors.Join(err, fmt.Errorf("a cluster with the state %s already runs", folder))
	}
	return folder, folder.Make()
}

// hold is the parent of the whole cluster: when it ends, the kernel ends the rest.
func hold(folder state.Folder, options upOptions) error {
	if err := errors.Join(folder.End(), folder.MakeCgroups()); err != nil {
		return err
	}
	store, err := lockStore()
	if err != nil {
		return err
	}
	plan := node.Plan{Folder: folder, ContainerdRoot: folder.Path("containerd"), Images: absolute(options.images),
		Devices: options.devices, Audit: options.audit}
	if store != nil {
		defer store.Close()
		plan.ContainerdRoot = storePath(store)
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: options.port})
	if err != nil {
		return err
	}
	if err := node.WriteAccess(folder, listener.Addr().(*net.TCPAddr).Port); err != nil {
		return err
	}
	socket, err := listener.File()
	if err != nil {
		return err
	}
	// The listener now lives in the descriptor that the node inherits.
	return errors.Join(listener.Close(), supervise(folder, plan, socket))
}

func supervise(folder state.Folder, plan node.Plan, socket *os.File) error {
	first, err := startInit(plan, socket)
	if err != nil {
		return err
	}
	if err := errors.Join(socket.Close(), record(folder, first.Process.Pid)); err != nil {
		return errors.Join(err, first.Process.Kill())
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	select {
	case <-signals:
		err := first.Process.Kill()
		<-ended
		return errors.Join(err, folder.RemoveCgroups())
	case err := <-ended:
		return errors.Join(fmt.Errorf("the cluster ended: %w", err), folder.RemoveCgroups())
	}
}

// startInit starts the first process of new namespaces.
func startInit(plan node.Plan, socket *os.File) (*exec.Cmd, error) {
	text, err := json.Marshal(plan)
	if err != nil {
		return nil, err
	}
	// The signal at the parent's death is tied to this thread, so the thread must not end before.
	runtime.LockOSThread()
	command := exec.Command("/proc/self/exe", "init", string(text))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.ExtraFiles = []*os.File{socket}
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig: syscall.SIGKILL,
		Setsid:    true, // A terminal's interrupt is for the parent, which ends the rest in one go.
	}
	return command, command.Start()
}

func record(folder state.Folder, first int) error {
	parent, err := state.Observe(os.Getpid())
	if err != nil {
		return err
	}
	initial, err := state.Observe(first)
	if err != nil {
		return err
	}
	return folder.Write(state.Runners{Parent: parent, Init: initial})
}

func absolute(paths []string) []string {
	made := make([]string, 0, len(paths))
	for _, path := range paths {
		if full, err := filepath.Abs(strings.TrimSpace(path)); err == nil {
			made = append(made, full)
		}
	}
	return made
}
