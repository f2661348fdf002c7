// Token-estimate says what requests take before they are sent.
package main

import (
	"os"

	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/estimateapi"
	"aoai-bridge/shared/inference"
)

func main() {
	go catalog.Embedded() // is read while the secrets are on their way
	f := bootstrap.New("token-estimate")
	env, err := config.BatchFromEnvironment(os.Getenv)
	bootstrap.ExitOn(err)
	estimates := estimateapi.New(f.Azure, nil)
	estimates.WithFiles(batch.New(batch.Options{AWS: f.AWS, Azure: f.Azure, Env: env}))
	api := inference.New(f.Azure, f.Env.FirstByteTimeout)
	estimates.AddTo(api)
	f.Serve(api, api.Direct(), estimateapi.Path)
}
