// Token-estimate counts the tokens of requests before they are sent, and their cost.
package main

import (
	"os"

	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/estimateapi"
)

func main() {
	go catalog.Embedded() // is read while the secrets are on their way
	f := bootstrap.New("token-estimate")
	env, err := config.BatchFromEnvironment(os.Getenv)
	bootstrap.ExitOn(err)
	files := plan.New(plan.Options{Store: bucket.New(f.AWS, env.Bucket), Azure: f.Azure, Env: env})
	api := estimateapi.New(f.Azure, files, nil)
	f.Serve(api, api, estimateapi.Path)
}
