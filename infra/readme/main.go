// Readme runs the code of README.md as a reader would, block by block, in the folder that it is started in:
//
//	go run ./infra/readme -mark local
//
// It runs the blocks of one mark. A block that is `make run` stays running until the end, and the next begins when the
// stack answers. With PORT, AWS_PORT and ARM_PORT the stack has those ports, and the blocks ask it there. What one shell
// block exports the next ones have. It prints a line a block; the exit status is 1 if one fails.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/goccy/go-yaml"
)

const (
	blockTimeout = 5 * time.Minute
	startTimeout = 5 * time.Minute // of the stack: the first build takes a minute and more
)

func main() {
	path := flag.String("file", "README.md", "the Markdown file")
	mark := flag.String("mark", MarkLocal, "run, local or deploy")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *path, *mark); err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, path, mark string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	blocks, err := ReadBlocks(string(raw))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	reader, err := newReader()
	if err != nil {
		return err
	}
	defer reader.close()
	failed, output := 0, ""
	for i := range blocks {
		b := &blocks[i]
		if b.Mark != mark {
			continue
		}
		begun := time.Now()
		var err error
		if b.Output {
			if !b.Matches(output) {
				err = fmt.Errorf("the block before it printed\n%s", output)
			}
		} else {
			output, err = reader.do(ctx, b)
		}
		result := "ok"
		if err != nil {
			failed++
			result = "FAILED: " + err.Error()
		}
		fmt.Printf("%s:%d %s %.1f s %s\n", path, b.Line, b.Language, time.Since(begun).Seconds(), result)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d blocks failed", failed)
	}
	return nil
}

// reader is somebody who pastes blocks into a terminal.
type reader struct {
	temp     string
	exported string // a file that a shell reads before a block and writes after it
	stack    *exec.Cmd
	ended    chan struct{} // closed when the stack has ended
}

func newReader() (*reader, error) {
	temp, err := os.MkdirTemp("", "readme-")
	if err != nil {
		return nil, err
	}
	r := &reader{temp: temp, exported: filepath.Join(temp, "exported")}
	return r, os.WriteFile(r.exported, nil, 0o600)
}

func (r *reader) close() {
	if r.stack != nil {
		_ = syscall.Kill(-r.stack.Process.Pid, syscall.SIGINT) // as Ctrl-C does
		<-r.ended
	}
	_ = os.RemoveAll(r.temp)
}

// do runs a block and returns what it printed.
func (r *reader) do(ctx context.Context, b *Block) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, blockTimeout)
	defer cancel()
	text := strings.ReplaceAll(b.Text, "127.0.0.1:"+standardPort, "127.0.0.1:"+stackPort())
	switch b.Language {
	case "sh":
		if strings.TrimSpace(text) == "make run" {
			return "", r.start(ctx)
		}
		return r.shell(ctx, text)
	case "python":
		return r.program(ctx, "readme.py", "python3 readme.py", text)
	case "js":
		return r.program(ctx, "readme.mjs", "node readme.mjs", text)
	case "go":
		return r.program(ctx, "readme_example.go", "go run readme_example.go", text)
	case "json", "yaml":
		var value any
		return "", yaml.Unmarshal([]byte(text), &value) // JSON is YAML
	case "mermaid", "text":
		return "", nil
	}
	return "", fmt.Errorf("nobody knows how to run %q", b.Language)
}

// program runs a file with a block's text.
func (r *reader) program(ctx context.Context, name, command, text string) (string, error) {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return "", err
	}
	defer os.Remove(name)
	return r.shell(ctx, command)
}

// shell runs commands, and ends at the first that fails.
func (r *reader) shell(ctx context.Context, commands string) (string, error) {
	const keep = `trap 'code=$?; export -p >"$READER_EXPORTED"; exit $code' EXIT` + "\n"
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", `. "$READER_EXPORTED"`+"\n"+keep+commands)
	cmd.Env = append(os.Environ(), "READER_EXPORTED="+r.exported)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), err
}

// standardPort is where README has the local stack.
const standardPort = "8080"

// stackPort is where the local stack is.
func stackPort() string { return cmp.Or(os.Getenv("PORT"), standardPort) }

// start starts the stack, in a process group of its own, and returns once it answers.
func (r *reader) start(ctx context.Context) error {
	if r.stack != nil {
		return errors.New("the stack runs already")
	}
	address := "127.0.0.1:" + stackPort()
	listener, err := net.Listen("tcp", address)
	if err != nil { // another stack there would answer in its place
		return fmt.Errorf("%w: stop what has the port, or choose another with PORT=", err)
	}
	listener.Close()
	r.stack = exec.Command("make", "run")
	r.stack.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.stack.Stderr = os.Stderr
	if err := r.stack.Start(); err != nil {
		r.stack = nil
		return err
	}
	r.ended = make(chan struct{})
	go func() {
		_ = r.stack.Wait() // interrupted at the end, it has a status of its own
		close(r.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the stack does not answer")
		case <-r.ended:
			return fmt.Errorf("the stack has ended: %s; what it says is above", r.stack.ProcessState)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
