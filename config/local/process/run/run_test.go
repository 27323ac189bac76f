package run

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test's own program plays the parts of the processes.
func TestMain(m *testing.M) {
	switch os.Getenv("RUN_TEST_PART") {
	case "":
		os.Exit(m.Run())
	case "polite": // ends when it is asked to
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		fmt.Println("ready")
		<-ctx.Done()
		os.Exit(7)
	case "stubborn": // has to be killed, with the child that it started
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		child := exec.Command("sleep", "600")
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Println("ready", child.Process.Pid)
		for range signals { // an end without this loop would be a deadlock that the runtime finds
		}
	case "supervisor": // starts a process and waits to be killed
		p, err := Start(part("polite", nil))
		if err != nil {
			panic(err)
		}
		fmt.Println("started", p.Pid())
		<-p.Done()
	}
}

func part(name string, out io.Writer) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RUN_TEST_PART="+name)
	cmd.Stdout = out
	return cmd
}

// start runs a part and returns it with the words of its first line.
func start(t *testing.T, name string) (*Process, []string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	p, err := Start(part(name, w))
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { p.Stop(0) })
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return p, strings.Fields(line)
}

func TestStopAsksFirst(t *testing.T) {
	p, _ := start(t, "polite")
	p.Stop(time.Minute)
	if code, signal := p.Exit(); code != 7 || signal != 0 {
		t.Errorf("exit = %d, %d, want 7, 0", code, signal)
	}
}

func TestStopKillsTheGroup(t *testing.T) {
	p, words := start(t, "stubborn")
	p.Stop(time.Millisecond)
	if code, signal := p.Exit(); code != 137 || signal != 9 {
		t.Errorf("exit = %d, %d, want 137, 9", code, signal)
	}
	awaitEnd(t, words[1])
}

func TestProcessEndsWithItsSupervisor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends children with their parent")
	}
	p, words := start(t, "supervisor")
	if words[0] != "started" {
		t.Fatalf("the supervisor said %q", words)
	}
	if err := syscall.Kill(p.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, words[1])
}

func TestStartReportsAMissingProgram(t *testing.T) {
	if _, err := Start(exec.Command("/does/not/exist")); err == nil {
		t.Error("no error")
	}
}

func TestLeftovers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows the environment of processes")
	}
	folder := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := part("polite", w)
	cmd.Env = append(cmd.Env, Marker+"="+folder)
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	defer p.Stop(0)
	if _, err := bufio.NewReader(r).ReadString('\n'); err != nil { // it runs its own program by now
		t.Fatal(err)
	}
	pids, err := Leftovers(folder)
	if err != nil || !slices.Equal(pids, []int{p.Pid()}) {
		t.Errorf("Leftovers = %v, %v, want %d", pids, err, p.Pid())
	}
	if pids, _ := Leftovers(folder + "x"); len(pids) > 0 {
		t.Errorf("Leftovers of another folder = %v", pids)
	}
}

// awaitEnd waits until a process that is not a child of this one is gone or a zombie.
func awaitEnd(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if !Running(n) || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %s is still there", pid)
}
