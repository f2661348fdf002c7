package lambda

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// An instance is one running bootstrap with a Runtime API of its own. Nothing has to see to it that
// bootstraps end with a host that was killed: their next call finds the Runtime API gone, and a
// runtime exits then.
type instance struct {
	fleet *fleet

	// Guarded by the fleet's mutex.
	pid       int
	kill      context.CancelFunc
	starting  int           // first polls that have not come yet
	polled    bool          // initialised
	finishing []*invocation // answered, with the next poll to come; oldest first
	inFlight  map[string]*invocation
	retired   bool           // gets nothing more to do
	initError *FunctionError // from POST .../init/error

	exited   chan struct{}  // closed when the process has ended and inFlight has been failed
	serving  sync.Mutex     // around handlers.Add and over
	handlers sync.WaitGroup // of the Runtime API
	closed   bool           // no handler may begin any more
}

// owedPolls is how many polls are to come without a further event.
func (i *instance) owedPolls() int { return i.starting + len(i.finishing) }

// run starts the bootstrap and serves it until it ends.
func (i *instance) run() {
	f := i.fleet
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.processEnded(i, func(id string) *FunctionError { return startError(id, err) })
		return
	}
	server := &http.Server{Handler: i.runtimeAPI(), ErrorLog: log.New(f.host.logs, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) }) // its error is always that it was closed

	f.processEnded(i, i.runProcess(listener.Addr().String()))

	// The process is gone, but what it said last may still be on its way to a caller.
	server.Shutdown(f.host.ctx)
	server.Close()
	serving.Wait()
	i.serving.Lock()
	i.closed = true
	i.serving.Unlock()
	i.handlers.Wait()
}

// runProcess returns, when the bootstrap has ended, what to say to those who relied on it.
func (i *instance) runProcess(runtimeAPI string) (explain func(requestID string) *FunctionError) {
	f := i.fleet
	ctx, kill := context.WithCancel(f.host.ctx)
	defer kill()
	cmd := exec.CommandContext(ctx, f.function.Bootstrap)
	cmd.Dir = filepath.Dir(f.function.Bootstrap)
	cmd.Env = environment(f.function, runtimeAPI)
	cmd.Stdout, cmd.Stderr = f.host.logs, f.host.logs
	// A group of its own: Ctrl-C in a terminal is for the host, which then ends the whole group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for a child that keeps stdout open
	if err := cmd.Start(); err != nil {
		return func(id string) *FunctionError { return startError(id, err) }
	}
	expiry := time.AfterFunc(initTimeout+f.function.Timeout, func() { f.initExpired(i) })
	defer expiry.Stop()
	f.mu.Lock()
	i.pid, i.kill = cmd.Process.Pid, kill
	f.mu.Unlock()

	cmd.Wait() // ProcessState says it all

	f.mu.Lock()
	defer f.mu.Unlock()
	initError := i.initError
	return func(id string) *FunctionError {
		if initError != nil {
			return initError
		}
		return exitError(id, cmd.ProcessState)
	}
}

// environment is what Lambda sets for provided.al2023, AWS_EXECUTION_ENV not among it, plus what a
// process on this machine cannot do without. The host's own environment stays with the host.
func environment(f Function, runtimeAPI string) []string {
	env := []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAPI,
		"AWS_LAMBDA_FUNCTION_NAME=" + f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=local",
		"AWS_REGION=" + Region,
		"AWS_DEFAULT_REGION=" + Region,
		"LAMBDA_TASK_ROOT=" + filepath.Dir(f.Bootstrap),
		"_HANDLER=bootstrap",
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	if f.Concurrency > 1 {
		env = append(env, "AWS_LAMBDA_MAX_CONCURRENCY="+strconv.Itoa(f.Concurrency))
	}
	for name, value := range f.Env {
		env = append(env, name+"="+value)
	}
	return env
}

// logf writes one line to the log.
func (h *Host) logf(format string, args ...any) {
	fmt.Fprintf(h.logs, format+"\n", args...)
}
