// Token-estimate counts the tokens of requests before they are sent, and their cost.
package main

import (
	"context"
	"os"

	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/batchapi"
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/estimateapi"
)

func main() {
	go catalog.Embedded() // is read while the secrets are on their way
	f := bootstrap.New("token-estimate")
	env, err := config.BatchFromEnvironment(os.Getenv)
	bootstrap.ExitOn(err)
	store := bucket.New(f.AWS, env.Bucket)
	files := estimateapi.Files{
		Planner: plan.New(plan.Options{Store: store, Azure: f.Azure, Env: env}),
		Find: func(ctx context.Context, caller, id string) (string, error) {
			return batchapi.FileKey(ctx, store, caller, id, clock.Wall())
		},
	}
	api := estimateapi.New(f.Azure, files, nil)
	f.Serve(api, api, estimateapi.Path)
}
