// Package bootstrap assembles what every function stands on, from its environment: the Azure client,
// the list of callers, the logs. It does not know which operations a function serves.
package bootstrap

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/lambdahttp"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/release"
	"aoai-bridge/shared/retirement"
	"aoai-bridge/shared/secrets"
	"aoai-bridge/shared/telemetry"
)

// Invoker is the caller's name in the log where IAM has let a workflow or `aws lambda invoke` in.
const Invoker = "lambda-invoke"

// Function is a function about to serve.
type Function struct {
	Env   config.Env
	AWS   aws.Config
	Azure *azure.Client

	name    string
	callers *secrets.Secret[callers.List]
}

// New reads the environment. It ends the process where that is wrong, with a line in the log that
// names each variable.
func New(name string) *Function {
	lambdahttp.Fit(os.Getenv)
	env, err := config.FromEnvironment(os.Getenv)
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: env.LogLevel})).With("release", release.Version))
	ExitOn(err)
	cfg, err := config.AWS(os.Getenv)
	ExitOn(err)
	store := secretsmanager.NewFromConfig(cfg)
	return &Function{
		Env: env, AWS: cfg, name: name,
		Azure:   azure.New(azure.Options{Secrets: store, Identity: sts.NewFromConfig(cfg), Env: env}),
		callers: secrets.New(store, env.CallersSecretID, callers.TTL, callers.Parse, nil),
	}
}

// initWait is how long a start waits for the secrets. Lambda allows ten seconds for all of a start, and
// begins again with a start that took longer, at the expense of the first call.
const initWait = 5 * time.Second

// Serve reads both secrets, so that a wrong one is in the log before the first call, and serves
// invocations until the process ends. A wrong secret fails the calls and not the process: once it is
// mended, calls succeed without a new deployment. A secret that has not come after five seconds is waited
// for by the calls that need it. path says which path of direct a bare payload is for.
func (f *Function) Serve(http, direct http.Handler, path func(payload []byte) (string, error)) {
	f.readSecrets(initWait)
	log := telemetry.NewLog(os.Stdout, f.Env.Stack, f.name)
	watch := retirement.New(f.Azure, log, nil)
	http, direct = watch.After(http), watch.After(direct)
	lambdahttp.Start(lambdahttp.Function{
		HTTP:   openaiapi.CORS(f.Env.CORSOrigins, openaiapi.Health(callers.Require(f.callers, http))),
		Direct: callers.Trust(Invoker, direct),
		Path:   path,
		Log:    log,
	})
}

// readSecrets returns once both secrets are read, or cannot be, and at the latest after the wait. A read
// that takes longer goes on.
func (f *Function) readSecrets(wait time.Duration) {
	ctx := context.Background()
	var reads sync.WaitGroup // the error of each is logged where the secret is read
	reads.Go(func() { _ = f.Azure.Check(ctx) })
	reads.Go(func() { _, _ = f.callers.Get(ctx) })
	done := make(chan struct{})
	go func() { reads.Wait(); close(done) }()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// ExitOn ends the process, with a line in the log, where a function cannot start.
func ExitOn(err error) {
	if err != nil {
		slog.Error("the function cannot start", "error", err.Error())
		os.Exit(1)
	}
}
