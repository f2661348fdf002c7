// Local runs the whole stack of template.yaml on this machine until it is interrupted.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/term"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
)

func main() {
	say := newNarrator(os.Stderr, os.Stdout, term.IsTerminal(int(os.Stdout.Fd())))
	o := stack.Options{Parameters: map[string]string{}, Logs: say, Observe: say.printEvent}
	flag.StringVar(&o.Template, "template", "template.yaml", "the stack's template")
	flag.StringVar(&o.Build, "build", "dist", "folder of the built functions")
	flag.StringVar(&o.Addr, "addr", "127.0.0.1:"+env("PORT", "8080"), "loopback address of the API")
	flag.StringVar(&o.AWSAddr, "aws-addr", "127.0.0.1:"+env("AWS_PORT", "8081"), "loopback address of the AWS endpoint")
	flag.StringVar(&o.ARMAddr, "arm-addr", "127.0.0.1:"+env("ARM_PORT", "8082"), "loopback address of Azure Resource Manager")
	flag.IntVar(&o.Concurrency, "concurrency", 1, "invocations that one instance of a function takes at once")
	flag.Func("parameter", "Name=Value in place of the template's default; may be repeated", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("want Name=Value")
		}
		o.Parameters[name] = value
		return nil
	})
	flag.StringVar(&o.Data, "data", os.Getenv("DATA"), "folder that keeps objects, secrets and jobs for the next start; nothing is kept without one")
	flag.Float64Var(&o.WaitScale, "wait-scale", waitScale(), "factor of every wait of the workflows")
	flag.BoolVar(&o.TLS, "tls", os.Getenv("TLS") != "", "serve the API over TLS, by a certificate that clients have to be told to trust")
	o.Azure.Emulator.Pace = azureopenai.DefaultPace
	o.Azure.Endpoint, o.Azure.APIKey = os.Getenv("AZURE_OPENAI_ENDPOINT"), os.Getenv("AZURE_OPENAI_API_KEY")
	o.Azure.Credential = stack.Credential(os.Getenv("AZURE_AUTH"))
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o stack.Options) error {
	s, err := stack.Start(o)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: choose another with PORT=, AWS_PORT= or ARM_PORT=", err)
	}
	if err != nil {
		return err
	}
	forTools := filepath.Join(o.Build, "local.env")
	environment := shellText(s.Environment())
	if err := os.WriteFile(forTools, environment, 0o600); err != nil {
		return errors.Join(err, s.Close())
	}
	trust := ""
	if s.TrustPEM != nil {
		trust = filepath.Join(o.Build, "local-ca.pem")
		if err := os.WriteFile(trust, s.TrustPEM, 0o600); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	fmt.Print(greeting(s, trust, o.Data))
	<-ctx.Done()
	fmt.Fprint(os.Stderr, farewell(s, o.Data))
	return errors.Join(removeOwn(forTools, environment), s.Close())
}

// shellText returns variables as a shell reads them, for `make azure LOCAL=1`.
func shellText(environment map[string]string) []byte {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		fmt.Fprintf(&lines, "export %s='%s'\n", name, environment[name])
	}
	return []byte(lines.String())
}

// removeOwn removes a file if it still has the text that this stack wrote: a stack that was started later has written its
// own there.
func removeOwn(file string, text []byte) error {
	now, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !bytes.Equal(now, text) {
		return err
	}
	return os.Remove(file)
}

// greeting is for somebody who has never seen the stack run. trust is the file of the certificate that clients have to
// trust, "" without TLS; data is the folder of what stays, "" where nothing does.
func greeting(s *stack.Stack, trust, data string) string {
	answers, model := s.AzureURL, "YOUR-DEPLOYMENT"
	if s.Emulator != nil {
		model = "gpt-5.4-mini"
		answers = "an emulator of Azure OpenAI, which makes them up"
	}
	afterwards := "Everything in its bucket is lost then."
	if data != "" {
		afterwards = "Its bucket and its secrets stay in " + data + ", and jobs go on when it starts again."
	}
	var b strings.Builder
	for _, job := range s.Resumed {
		fmt.Fprintf(&b, "left by the stack before: %s\n", job)
	}
	fmt.Fprintf(&b, "\nThe stack runs. Its answers come from %s.\n\n", answers)
	row := func(name, text string) { fmt.Fprintf(&b, "  %-10s %s\n", name, text) }
	row("base URL", s.URL+"/v1")
	row("key", stack.CallerKey)
	if _, deployed := s.Template.Functions["ConsoleFunction"]; deployed {
		row("console", s.URL+"/console , a page to try them in a browser")
	}
	option := ""
	if trust != "" {
		option = " --cacert " + trust
		row("trust", trust+" (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS or your client's own setting names it)")
	}
	if s.Emulator != nil {
		row("models", strings.Join(onlineModels(), ", "))
		row("faults", s.AzureURL+"/_emulator/faults makes it misbehave")
	}
	row("AWS", fmt.Sprintf("AWS_ENDPOINT_URL=%s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=%[2]s AWS_SECRET_ACCESS_KEY=%[2]s", s.AWSURL, stack.AccessKey))
	fmt.Fprintf(&b, `
Ask it something, in another terminal:

curl%s %s/v1/chat/completions -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \
  -d '{"model":"%s","messages":[{"role":"user","content":"Say hello"}]}'

Ctrl-C ends the stack. %s

`, option, s.URL, stack.CallerKey, model, afterwards)
	return b.String()
}

// farewell names the jobs that have not ended.
func farewell(s *stack.Stack, data string) string {
	jobs, err := s.Unfinished()
	if err != nil || len(jobs) == 0 {
		return ""
	}
	what := "Their results are lost with this stack. DATA=folder make run keeps them."
	switch {
	case data != "":
		what = "They go on with DATA=" + data + " make run."
	case s.Emulator == nil:
		what = "Their results are lost with this stack, and what Azure has begun goes on there and is charged. DATA=folder make run keeps them."
	}
	return fmt.Sprintf("\nThese jobs have not ended. %s\n  %s\n", what, strings.Join(jobs, "\n  "))
}

// onlineModels are the emulator's deployments that answer calls.
func onlineModels() []string {
	var names []string
	for _, d := range azureopenai.DefaultDeployments() {
		if !strings.HasSuffix(d.Type, "Batch") {
			names = append(names, d.Name)
		}
	}
	return names
}

func waitScale() float64 {
	scale, err := strconv.ParseFloat(env("WAIT_SCALE", "1"), 64)
	if err != nil || scale <= 0 {
		fmt.Fprintln(os.Stderr, "local: WAIT_SCALE wants a number above 0, for example 0.01")
		os.Exit(2)
	}
	return scale
}

func env(name, standard string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return standard
}
