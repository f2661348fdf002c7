package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
)

type options struct {
	rounds, requests, inFlight int
	filesOnly, startsOnly      bool
	quotas                     bool
	against                    string // a dist directory; "" is the bare proxy and splitter
}

// A rival is one bootstrap under a stack of its own. All call the same emulator.
type rival struct {
	name           string
	folder         string // of the function whose place it takes
	function, path string // that function's logical id, and the path that is asked
	bootstrap      string
	parameters     map[string]string // in place of the template's defaults
	stack          *stack.Stack
}

const azureKey = "bench"

// run builds the rivals, measures them and prints the report.
func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "aoai-bridge-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	estimate := rival{name: "token-estimate", folder: "token-estimate", function: "TokenEstimateFunction", path: "/v1/tokens/estimate"}
	if err := estimate.build(ctx, dir, "./functions/token-estimate", ""); err != nil {
		return err
	}
	if !o.filesOnly {
		if err := measureRequests(ctx, o, dir, &estimate); err != nil || o.against != "" {
			return err
		}
	}
	splitter := filepath.Join(dir, "splitter", "bootstrap")
	if err := goBuild(ctx, splitter, "./infra/bench/splitter", "-s -w"); err != nil {
		return err
	}
	return measureFiles(ctx, o, estimate.bootstrap, splitter)
}

// measureRequests measures the functions that answer requests beside the proxy.
func measureRequests(ctx context.Context, o options, dir string, estimate *rival) error {
	emulator := &http.Server{Handler: newEmulator()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer emulator.Close()
	go emulator.Serve(listener)
	azure := "http://" + listener.Addr().String()

	const chatPath = "/v1/chat/completions"
	bridge := rival{name: "chat", folder: "chat", function: "ChatFunction", path: chatPath}
	if err := bridge.build(ctx, dir, "./functions/chat", ""); err != nil {
		return err
	}
	if o.against != "" {
		before := func(r rival) *rival {
			r.name, r.bootstrap = r.name+" before", filepath.Join(o.against, r.folder, "bootstrap")
			return &r
		}
		concurrencies := []int{1, o.inFlight}
		if o.startsOnly {
			concurrencies = concurrencies[:1]
		}
		for _, concurrency := range concurrencies {
			if err := compareVersions(ctx, o, concurrency, azure, [][2]*rival{{&bridge, before(bridge)}, {estimate, before(*estimate)}}); err != nil {
				return err
			}
		}
		return nil
	}
	proxy := rival{name: "proxy", folder: "chat", function: "ChatFunction", path: chatPath}
	if err := proxy.build(ctx, dir, "./infra/bench/proxy", " -X main.upstream="+azure+" -X main.key="+azureKey); err != nil {
		return err
	}
	for _, concurrency := range []int{1, o.inFlight} {
		if err := compareRivals(ctx, o, concurrency, azure, &bridge, estimate, &proxy); err != nil {
			return err
		}
	}
	return printSize(ctx, bridge.bootstrap)
}

// newEmulator has a model with room for 1 MB of text, and no limit of rate.
func newEmulator() *azureopenai.Server {
	deployments := append(azureopenai.DefaultDeployments(), azureopenai.Deployment{Name: "gpt-5.6", Model: "gpt-5.6", Type: "GlobalStandard"})
	return azureopenai.New(azureopenai.Options{APIKeys: []string{azureKey}, DisableRecording: true, Deployments: deployments})
}

// compareRivals is one run of both rivals with so many invocations at a time in an instance. Cold starts and
// first tokens are of one call at a time and so measured once.
func compareRivals(ctx context.Context, o options, concurrency int, azure string, bridge, estimate, proxy *rival) error {
	for _, r := range []*rival{bridge, estimate, proxy} {
		if err := r.start(azure, concurrency); err != nil {
			return err
		}
		defer r.stack.Close()
	}
	fmt.Printf("%d invocation(s) at a time in an instance, %d rounds of %d requests, %d in flight\n", concurrency, o.rounds, o.requests, o.inFlight)
	var rows []row
	measure := func(r []row, err error) error {
		rows = append(rows, r...)
		return err
	}
	if concurrency == 1 {
		if err := measure(coldStart(ctx, o, bridge, proxy)); err != nil {
			return err
		}
		if err := measure(coldStart(ctx, o, estimate, proxy)); err != nil {
			return err
		}
		if err := measure(firstToken(ctx, o, azure, bridge, proxy)); err != nil {
			return err
		}
	}
	for _, load := range loads {
		if err := measure(processorTime(ctx, o, load, bridge, proxy)); err != nil {
			return err
		}
	}
	return printTable(rows, "proxy")
}

// compareVersions measures functions beside themselves in another version.
func compareVersions(ctx context.Context, o options, concurrency int, azure string, pairs [][2]*rival) error {
	for _, pair := range pairs {
		for _, r := range pair {
			if err := r.start(azure, concurrency); err != nil {
				return err
			}
			defer r.stack.Close()
		}
	}
	if !o.startsOnly {
		fmt.Printf("%d invocation(s) at a time in an instance, %d rounds of %d requests, %d in flight\n", concurrency, o.rounds, o.requests, o.inFlight)
	}
	var rows []row
	for _, pair := range pairs {
		if concurrency == 1 {
			found, err := coldStart(ctx, o, pair[0], pair[1])
			if err != nil {
				return err
			}
			rows = append(rows, found...)
		}
		if o.startsOnly {
			continue
		}
		for _, l := range loads {
			found, err := processorTime(ctx, o, l, pair[0], pair[1])
			if err != nil {
				return err
			}
			for i := range found {
				found[i].name = pair[0].name + ": " + found[i].name
			}
			rows = append(rows, found...)
		}
	}
	for i := range rows {
		rows[i].target = "" // those are beside the proxy
	}
	return printTable(rows, "before")
}

// build puts the bootstrap where the stack looks for the function; the others are never called.
func (r *rival) build(ctx context.Context, dir, pkg, link string) error {
	r.bootstrap = filepath.Join(dir, r.name, r.folder, "bootstrap")
	if err := goBuild(ctx, r.bootstrap, pkg, "-s -w"+link); err != nil {
		return err
	}
	functions, err := os.ReadDir("functions")
	if err != nil {
		return err
	}
	for _, f := range functions {
		other := filepath.Join(dir, r.name, f.Name())
		if f.Name() == r.folder {
			continue
		}
		if err := os.Mkdir(other, 0o755); err != nil {
			return err
		}
		if err := os.Symlink(r.bootstrap, filepath.Join(other, "bootstrap")); err != nil {
			return err
		}
	}
	return nil
}

func goBuild(ctx context.Context, output, pkg, link string) error {
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags", "lambda.norpc", "-trimpath", "-ldflags", link, "-o", output, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

func (r *rival) start(azure string, concurrency int) (err error) {
	r.stack, err = stack.Start(stack.Options{
		Template: "template.yaml", Parameters: r.parameters, Build: filepath.Dir(filepath.Dir(r.bootstrap)),
		Azure:       stack.Azure{Endpoint: azure, APIKey: azureKey},
		Concurrency: concurrency, Logs: io.Discard,
	})
	return err
}
