// Local runs the whole stack of template.yaml on this machine until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
)

func main() {
	o := stack.Options{Parameters: map[string]string{}, Logs: os.Stderr}
	flag.StringVar(&o.Template, "template", "template.yaml", "the stack's template")
	flag.StringVar(&o.Build, "build", "dist", "folder of the built functions")
	flag.StringVar(&o.Addr, "addr", "127.0.0.1:"+env("PORT", "8080"), "loopback address of the API")
	flag.StringVar(&o.AWSAddr, "aws-addr", "127.0.0.1:"+env("AWS_PORT", "8081"), "loopback address of the AWS endpoint")
	flag.IntVar(&o.Concurrency, "concurrency", 1, "invocations that one instance of a function takes at once")
	flag.Func("parameter", "Name=Value in place of the template's default; may be repeated", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("want Name=Value")
		}
		o.Parameters[name] = value
		return nil
	})
	flag.Float64Var(&o.WaitScale, "wait-scale", waitScale(), "factor of every wait of the workflows")
	o.Azure.Emulator.Pace = azureopenai.DefaultPace
	o.Observe = (&narrator{os.Stdout}).printEvent
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
		return fmt.Errorf("%w: choose another with PORT= or AWS_PORT=", err)
	}
	if err != nil {
		return err
	}
	fmt.Print(greeting(s))
	<-ctx.Done()
	return s.Close()
}

func greeting(s *stack.Stack) string {
	azure := s.AzureURL
	if s.Emulator != nil {
		azure += " (emulator; its faults: /_emulator/faults)"
	}
	return fmt.Sprintf(`
  %s

  base URL   %[2]s/v1
  key        %[3]s
  AWS        %[4]s (region us-east-1, keys %[5]s / %[5]s)
  Azure      %[6]s

curl %[2]s/v1/chat/completions -H 'Authorization: Bearer %[3]s' -H 'Content-Type: application/json' -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say hello"}]}'

`, strings.Join(slices.Sorted(maps.Keys(s.Template.Functions)), ", "), s.URL, stack.CallerKey, s.AWSURL, stack.AccessKey, azure)
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
