package part

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
)

// A deployment's quota of enqueued tokens may be smaller than a part. Then the try sends the first lines of the part, as
// many as fit, and the others are the next try's: settle has that. What is refused costs nothing.

// longestUnfinished is how far back a batch that has not ended may have been made: the bridge cancels its own after three
// days.
const longestUnfinished = 2 * longestBatch

// maxRefused is how often in a row there must have been no room, minutes apart, before a try is cut for the second time
// without a limit that Azure names: a batch that takes the room may not be in Azure's list yet.
const maxRefused = 4

// maxTries bounds the tries of a part, most of which send what was not sent before for want of room: the history of an
// execution ends at 25,000 events (Step Functions' quotas).
const maxTries = 300

// noRoom decides what becomes of a try for which Azure says, with a message, that the quota is full. next is what the
// workflow does if the try is cut because it cannot fit, or if that is not certain yet. It is nil where there will be
// room once other batches have ended.
func (w *work) noRoom(ctx context.Context, message string) (next *job.Step, err error) {
	st := w.state
	limit, tokens := namedLimit(message), w.tokens()
	above := limit > 0 && tokens > limit
	if above && st.Lines > 1 {
		st.Room = int64(0.9 * float64(st.Bytes) * float64(limit) / float64(tokens)) // Azure may count more than we do
		return w.cut(ctx, st.Room)
	}
	idle, err := w.resource().Idle(ctx, w.service.now().Add(-longestUnfinished))
	if err != nil || !idle {
		return nil, err
	}
	if first := st.Last == 0 && st.Lines > 1; !first && !above {
		if st.Refused++; st.Refused < maxRefused {
			return w.step.Later(job.StepNoRoom), w.save(ctx)
		}
	}
	if st.Lines > 1 {
		return w.cut(ctx, st.Bytes/2)
	}
	return w.leaveOut(ctx, limit)
}

// tokens is about how many the requests have that the try sends.
func (w *work) tokens() int64 {
	if w.part.Bytes == 0 {
		return w.part.Tokens
	}
	return int64(float64(w.part.Tokens) * float64(w.state.Bytes) / float64(w.part.Bytes))
}

// namedLimit is the quota that a message names, 0 if it names none. Azure's "has surpassed the configured limit of 90K for
// the deployment" was seen (learn.microsoft.com/answers/questions/2285577), and OpenAI's "Limit: 90,000 enqueued tokens".
func namedLimit(message string) int64 {
	found := limitForm().FindStringSubmatch(message)
	if found == nil {
		return 0
	}
	n, err := strconv.ParseFloat(strings.ReplaceAll(found[1], ",", ""), 64)
	if err != nil {
		return 0
	}
	return int64(n * map[string]float64{"": 1, "K": 1e3, "M": 1e6, "B": 1e9}[strings.ToUpper(found[2])])
}

var limitForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\blimit(?: of|:| is)? (\d[\d,]*(?:\.\d+)?) ?([KMB]?)\b`)
})

// fitRoom cuts a try that has not been begun to what is known to fit.
func (w *work) fitRoom(ctx context.Context) error {
	st := w.state
	if st.Room == 0 || st.Bytes <= st.Room || st.Lines < 2 || st.Last > 0 || st.Uploading || st.FileID != "" {
		return nil
	}
	_, err := w.cut(ctx, st.Room)
	return err
}

// cut has the try send no more of its requests than fit into so many bytes: fewer than now, and one at least. next is to
// send them.
func (w *work) cut(ctx context.Context, room int64) (next *job.Step, err error) {
	st := w.state
	source := w.service.store.Open(ctx, w.try.RequestsKey())
	defer source.Close()
	requests := jsonl.NewAnswerScanner(source)
	n, last, size := 0, 0, int64(0)
	for n < st.Lines-1 && requests.Next() && (n == 0 || requests.Offset <= room) {
		if last, err = jsonl.RequestNumber(requests.Text); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", w.try.RequestsKey(), requests.Number, err)
		}
		n, size = n+1, requests.Offset
	}
	if requests.Err != nil || n == 0 {
		return nil, errors.Join(requests.Err, fmt.Errorf("%s: no request could be read", w.try.RequestsKey()))
	}
	w.dropInput(ctx)
	st.Lines, st.Bytes, st.Last, st.Refused = n, size, last, 0
	return w.step.Next(job.StepNoRoom), w.save(ctx)
}

// leaveOut ends a try whose only line is larger than the quota, which is limit tokens, or 0 if that is not known.
func (w *work) leaveOut(ctx context.Context, limit int64) (next *job.Step, err error) {
	st, quota := w.state, "the quota of enqueued tokens"
	if limit > 0 {
		quota = fmt.Sprintf("the quota of %d enqueued tokens", limit)
	}
	w.dropInput(ctx)
	st.TooLarge = &job.Failure{
		Code:    azurebatch.TokenLimitExceeded,
		Message: fmt.Sprintf("The request alone is larger than %s of deployment %s. Raise the quota in Azure, shorten the request, or send it with \"mode\":\"online\".", quota, w.part.Deployment),
	}
	st.Status = job.StateEnded
	return w.step.Next(job.StepEnded), w.save(ctx)
}

// dropInput deletes the input file of a try that is to send another one, or none.
func (w *work) dropInput(ctx context.Context) {
	if w.state.FileID != "" {
		w.deleteInput(ctx, w.state.FileID)
	}
	w.state.FileID, w.state.Uploading = "", false
}

// tooManyPieces is why lines are not sent that have had no room in as many tries as a part may have.
var tooManyPieces = job.Failure{
	Code:    job.NoRoom,
	Message: fmt.Sprintf("The line was not sent: the deployment's quota of enqueued tokens is so small that its part was sent in %d pieces. Raise the quota, and send the line again.", maxTries),
}
