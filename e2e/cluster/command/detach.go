package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"lorax.dev/cluster/state"
)

const readyPrefix = "ready: "

// detach runs this same command in a session of its own and passes on what it prints until the
// cluster is ready.
func detach(folder state.Folder) error {
	log := folder.Path("logs", "cluster.log")
	sink, err := os.Create(log)
	if err != nil {
		return err
	}
	defer sink.Close()
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool {
		return strings.HasPrefix(arg, "--detach")
	})
	command := exec.Command("/proc/self/exe", args...)
	command.Stdout, command.Stderr = sink, sink
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	return follow(log, ended)
}

// follow prints a log as it grows, until its ready line or the end of who writes it.
func follow(log string, ended <-chan error) error {
	file, err := os.Open(log)
	if err != nil {
		return err
	}
	defer file.Close()
	var text bytes.Buffer
	for over := false; ; time.Sleep(50 * time.Millisecond) {
		select {
		case <-ended:
			over = true
		default:
		}
		if _, err := io.Copy(&text, file); err != nil {
			return err
		}
		if printLines(&text) {
			return nil
		}
		if over {
			return errors.New("the cluster did not come up")
		}
	}
}

// printLines prints the whole lines of a text and takes them out. It tells whether the last of
// them says that the cluster is ready.
func printLines(text *bytes.Buffer) bool {
	for bytes.ContainsRune(text.Bytes(), '\n') {
		line, _ := text.ReadString('\n')
		fmt.Print(line)
		if strings.HasPrefix(line, readyPrefix) {
			return true
		}
	}
	return false
}
