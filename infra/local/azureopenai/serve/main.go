// Serve runs the Azure OpenAI emulator by itself, with its default deployments. It refuses to listen
// anywhere but on loopback, since its control routes ask for no credential.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"aoai-bridge/infra/local/azureopenai"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "loopback address to listen on")
	keys := flag.String("key", "local", "valid API keys, comma-separated")
	limits := flag.Bool("enforce-rate-limits", false, "answer 429 once a deployment's capacity is used up")
	record := flag.Bool("record", true, "keep the latest requests for GET /_emulator/requests")
	pace := flag.Float64("pace", 1, "how long batches take: 0 is as fast as it goes, 1 about a second a state")
	flag.Parse()
	o := azureopenai.Options{APIKeys: strings.Split(*keys, ","), EnforceRateLimits: *limits, DisableRecording: !*record, Pace: azureopenai.DefaultPace.Scaled(*pace)}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, o); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string, o azureopenai.Options) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return fmt.Errorf("%s is not a loopback address", addr)
	}
	fmt.Printf(`endpoint http://%s   key %s
curl http://%[1]s/openai/v1/chat/completions -H 'api-key: %[2]s' -H 'content-type: application/json' -d '{"model":"gpt-4o","messages":[{"role":"user","content":"Say hello"}]}'
`, listener.Addr(), o.APIKeys[0])
	emulator := azureopenai.New(o)
	defer emulator.Close()
	server := &http.Server{Handler: emulator}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // hanging answers must not hold it up
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
