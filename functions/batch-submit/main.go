// Batch-submit takes files and batches, plans their jobs and sends their parts to Azure, as tasks of the batch
// workflow.
package main

import (
	"os"

	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/batchapi"
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/config"
)

func main() {
	f := bootstrap.New("batch-submit")
	env, err := config.BatchFromEnvironment(os.Getenv)
	bootstrap.ExitOn(err)
	workflow, err := config.WorkflowFromEnvironment(os.Getenv)
	bootstrap.ExitOn(err)
	jobs := batch.New(batch.Options{AWS: f.AWS, Azure: f.Azure, Env: env, Call: f.Env.FirstByteTimeout, Workflow: workflow})
	api := batchapi.New(batchapi.Options{AWS: f.AWS, Bucket: env.Bucket, Workflow: workflow, Jobs: jobs})
	tasks := jobs.SubmitTasks()
	f.Serve(api.Submit(), tasks, tasks.Path)
}
