// Batch-status follows batch jobs, collects their answers and reports, as tasks of the batch workflow.
package main

import (
	"net/http"
	"os"

	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/config"
)

func main() {
	f := bootstrap.New("batch-status")
	env, err := config.BatchFromEnvironment(os.Getenv)
	bootstrap.ExitOn(err)
	service := batch.New(batch.Options{AWS: f.AWS, Azure: f.Azure, Env: env, Call: f.Env.FirstByteTimeout})
	f.Serve(http.NotFoundHandler(), service.Tasks(), batch.TaskPath)
}
