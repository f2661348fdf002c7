package ending

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"aoai-bridge/shared/batch/job"
)

// revive starts an execution that takes a job over if none works on it.
func (e *Ender) revive(ctx context.Context, j *job.Job) error {
	if !strings.HasPrefix(j.Execution, "arn:") {
		return nil // somebody calls the tasks by hand
	}
	out, err := e.States.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &j.Execution})
	if _, gone := errors.AsType[*types.ExecutionDoesNotExist](err); !gone {
		if err != nil || out.Status == types.ExecutionStatusRunning || out.Status == types.ExecutionStatusPendingRedrive {
			return err
		}
	}
	input, _ := json.Marshal(job.Input{ // strings always marshal
		Bucket: j.Bucket, Key: j.Key, VersionID: j.VersionID, Job: j.ID, Origin: j.Origin, TakeOver: true,
	})
	// Named after the execution that is gone, so that of several cancellations one starts it.
	sum := sha256.Sum256([]byte(j.Execution))
	name, text := j.ID+"-"+hex.EncodeToString(sum[:8]), string(input)
	_, err = e.States.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &e.Workflow, Name: &name, Input: &text})
	if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists {
		return nil
	}
	return err
}
