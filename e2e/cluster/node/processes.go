package node

import (
	"fmt"
	"os"
	"os/exec"

	"lorax.dev/cluster/state"
)

// processes are those that make up the node. None may end while the cluster runs.
type processes struct {
	folder state.Folder
	ended  chan error
}

// startPart starts a linked part, as a process of its own.
func (p *processes) startPart(name string, args ...string) error {
	return p.start(name, "/proc/self/exe", append([]string{name}, args...)...)
}

// start starts a program whose output goes to a log of its own.
func (p *processes) start(name, program string, args ...string) error {
	path := p.folder.Path("logs", name+".log")
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.ended <- fmt.Errorf("%s ended (%v); its log is %s", name, command.Wait(), path)
	}()
	return nil
}
