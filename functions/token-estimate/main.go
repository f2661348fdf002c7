// Token-estimate counts the tokens of requests before they are sent, and their cost.
package main

import (
	"os"

	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/estimateapi"
)

func main() {
	go catalog.Embedded() // is read while the secrets are on their way
	f := bootstrap.New("token-estimate")
	env, err := config.BatchFromEnvironment(os.Getenv)
	bootstrap.ExitOn(err)
	api := estimateapi.New(f.Azure, batch.New(batch.Options{AWS: f.AWS, Azure: f.Azure, Env: env}), nil)
	f.Serve(api, api, estimateapi.Path)
}
