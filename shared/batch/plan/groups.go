package plan

import (
	"errors"
	"fmt"

	"aoai-bridge/shared/batch/jsonl"
)

// What a part may hold. Of a batch, 100,000 requests and 200 MB (Azure OpenAI quotas page as of
// 2026-11); of online calls, as much as a few invocations get through.
const (
	maxBatchLines  = 100_000
	maxBatchBytes  = 200_000_000
	maxOnlineLines = 2_000
	maxOnlineBytes = 32_000_000
)

// envelope is more than what goes around a body on its way to Azure, in bytes.
const envelope = 256

// limits is what a part may hold.
func limits(mode jsonl.Mode) (lines int, bytes int64) {
	if mode == jsonl.Online {
		return maxOnlineLines, maxOnlineBytes
	}
	return maxBatchLines, maxBatchBytes
}

// group is what a part's lines have in common.
type group struct {
	mode     jsonl.Mode
	model    string
	endpoint string
}

// maxGroups bounds the groups of a job, and with them its passes. A file may name as many models as it has lines,
// and where the secret lists no deployments none of these names is wrong.
const maxGroups = 1000

// errGroups is the error of a job of too many groups.
var errGroups = errors.New("the lines are of too many groups")

// codeGroups and groupsAdvice are what the owner of such a job gets.
const codeGroups = "too_many_models"

var groupsAdvice = fmt.Sprintf(
	"A job takes up to %d different combinations of model, url and mode, each of which is a batch of its own. Does 'body.model' name a model or a deployment in every line? If so, split the file.", maxGroups)
