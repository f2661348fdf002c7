// Batch-submit plans batch jobs and sends their parts to Azure, as tasks of the batch workflow.
package main

import (
	"net/http"
	"os"

	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/config"
)

func main() {
	f := bootstrap.New("batch-submit")
	env, err := config.BatchFromEnvironment(os.Getenv)
	bootstrap.ExitOn(err)
	service := batch.New(batch.Options{AWS: f.AWS, Azure: f.Azure, Env: env, Call: f.Env.FirstByteTimeout})
	f.Serve(http.NotFoundHandler(), service.Tasks(), batch.TaskPath)
}
