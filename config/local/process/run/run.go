// Package run starts the cluster's processes so that none of them outlives it.
package run

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Marker is a variable in the environment of every process of a cluster. Its value is the
// cluster's folder. It tells which processes are the cluster's, even those whose parents are
// gone, when the supervisor could not end them itself.
const Marker = "INTEGRATION_HUB_CLUSTER"

// A starter starts processes from one thread that never ends: the kernel ends a child with
// the thread that started it, not only with the program, where children ask for that.
var starter = sync.OnceValue(func() chan<- request {
	requests := make(chan request)
	go func() {
		runtime.LockOSThread()
		for r := range requests {
			r.err <- r.cmd.Start()
		}
	}()
	return requests
})

type request struct {
	cmd *exec.Cmd
	err chan error
}

// Process is a running program with all that it started.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts a command in a process group of its own. Where the system can, the process
// is killed when this program ends, however it ends.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = attributes()
	// Something that the program started may keep its output open for ever.
	cmd.WaitDelay = 2 * time.Second
	r := request{cmd: cmd, err: make(chan error)}
	starter() <- r
	if err := <-r.err; err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		p.signalGroup(syscall.SIGKILL) // what it started ends with it, as in a container
		close(p.done)
	}()
	return p, nil
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Pid is the number of the program's process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Exit returns how a program that is done ended: its exit code, and the signal that ended it
// or 0. As in a shell, the code is 128 and the number where it was a signal.
func (p *Process) Exit() (code, signal int) {
	<-p.done
	state := p.cmd.ProcessState
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), int(status.Signal())
	}
	return state.ExitCode(), 0
}

// Stop asks the program to end, and kills it with all that it started after the grace
// period, or at once when there is none. It returns when the program has ended.
func (p *Process) Stop(grace time.Duration) {
	if grace > 0 {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.done:
			return
		case <-timer.C:
		}
	}
	p.signalGroup(syscall.SIGKILL)
	<-p.done
}

// Kill kills the program with all that it started, and does not wait.
func (p *Process) Kill() { p.signalGroup(syscall.SIGKILL) }

func (p *Process) signalGroup(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s) // there may be none left
}

// Running reports whether a process with a number exists.
func Running(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, os.ErrPermission)
}
