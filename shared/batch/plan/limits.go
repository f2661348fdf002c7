package plan

import "aoai-bridge/shared/batch/jsonl"

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
