package config

import (
	"errors"

	"aoai-bridge/shared/decimal"
)

// Batch is what the batch functions read besides Env.
type Batch struct {
	Bucket            string  // BATCH_BUCKET: has the files and the jobs' records
	APIVersion        string  // BATCH_API_VERSION: of Azure's dated paths; "" is /openai/v1
	CostCeiling       float64 // BATCH_COST_CEILING: USD a job may cost; 0 is any
	OutputTokens      int     // BATCH_OUTPUT_TOKENS: what an answer is taken for where a line sets no limit
	EnqueuedTokens    int64   // BATCH_ENQUEUED_TOKENS: quota of batch deployments that the secret states none for; 0 is unknown
	Tries             int     // BATCH_TRIES: of a line, the first one included
	OnlineConcurrency int     // BATCH_ONLINE_CONCURRENCY: calls at once, of one part
	KeepAzureFiles    bool    // BATCH_KEEP_AZURE_FILES: leave files in Azure's storage after collection
}

// BatchFromEnvironment reads the variables through getenv. The error names every variable that is wrong.
func BatchFromEnvironment(getenv func(string) string) (Batch, error) {
	r := reader{getenv: getenv}
	b := Batch{
		Bucket:            r.required("BATCH_BUCKET", "my-batch-bucket"),
		APIVersion:        getenv("BATCH_API_VERSION"),
		OutputTokens:      r.count("BATCH_OUTPUT_TOKENS", 500),
		EnqueuedTokens:    int64(r.count("BATCH_ENQUEUED_TOKENS", 0)),
		Tries:             max(1, r.count("BATCH_TRIES", 3)),
		OnlineConcurrency: max(1, r.count("BATCH_ONLINE_CONCURRENCY", 8)),
		KeepAzureFiles:    getenv("BATCH_KEEP_AZURE_FILES") == "true",
	}
	if value := getenv("BATCH_COST_CEILING"); value != "" {
		amount, err := decimal.Parse(value)
		if err != nil || amount < 0 || !decimal.InRange(amount) {
			r.fail("BATCH_COST_CEILING", value, "100")
		}
		b.CostCeiling = amount
	}
	return b, errors.Join(r.errs...)
}

// WorkflowFromEnvironment reads BATCH_WORKFLOW_ARN: the state machine that answers a file.
func WorkflowFromEnvironment(getenv func(string) string) (arn string, err error) {
	r := reader{getenv: getenv}
	arn = r.required("BATCH_WORKFLOW_ARN", "arn:aws:states:us-east-1:123456789012:stateMachine:aoai-bridge-batch")
	return arn, errors.Join(r.errs...)
}
