// Run builds the functions and the local stack, says how far it is, and starts the stack: it is what make run calls.
// It uses Go's own packages only, so that it is itself compiled in seconds.
package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

func run() error {
	if err := check(os.Getenv); err != nil {
		return err
	}
	if err := build(); err != nil {
		return err
	}
	const local = "dist/bin/local"
	return syscall.Exec(local, append([]string{local, "-build", "dist", "-template", "template.yaml"}, os.Args[1:]...), os.Environ())
}

// check reports settings that the stack cannot start with. A build takes a minute, and would be for nothing.
func check(getenv func(string) string) error {
	if text := getenv("WAIT_SCALE"); text != "" {
		if scale, err := strconv.ParseFloat(text, 64); err != nil || !(scale > 0) {
			return fmt.Errorf("WAIT_SCALE=%s: want a number above 0, for example 0.01", text)
		}
	}
	type setting struct{ name, port string }
	ports := []setting{
		{"PORT", cmp.Or(getenv("PORT"), "8080")}, {"AWS_PORT", cmp.Or(getenv("AWS_PORT"), "8081")}, {"ARM_PORT", cmp.Or(getenv("ARM_PORT"), "8082")},
	}
	for i, a := range ports {
		for _, b := range ports[i+1:] {
			if a.port == b.port && a.port != "0" {
				return fmt.Errorf("%s and %s are both %s: choose another with %[2]s=", a.name, b.name, a.port)
			}
		}
	}
	for _, s := range ports {
		if err := checkPort(s.name, s.port); err != nil {
			return err
		}
	}
	return nil
}

// checkPort reports a port that another program has.
func checkPort(name, port string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another program has port %s: stop it, or choose another with %s=", port, name)
	}
	if err != nil {
		return fmt.Errorf("%s=%s: %w", name, port, err)
	}
	return listener.Close()
}

// build runs make build, which prints nothing while it compiles. After two seconds, and then every five, build says how
// many packages have been compiled.
func build() error {
	cmd := exec.Command(cmp.Or(os.Getenv("MAKE"), "make"), "--no-print-directory", "build")
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -v")) // a line for each package
	cmd.Stdout = os.Stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	begun, compiled := time.Now(), 0
	next := time.After(2 * time.Second)
	for open := true; open; {
		select {
		case line, more := <-lines:
			switch open = more; {
			case !more:
			case isPackage(line):
				compiled++
			default: // an error
				fmt.Fprintln(os.Stderr, line)
			}
		case <-next:
			next = time.After(5 * time.Second)
			fmt.Printf("%4.0f s  %d packages compiled\n", time.Since(begun).Seconds(), compiled)
		}
	}
	return cmd.Wait()
}

// isPackage reports whether a line is the import path of a package, as go build -v prints it.
func isPackage(line string) bool { return line != "" && !strings.ContainsAny(line, " :#") }
