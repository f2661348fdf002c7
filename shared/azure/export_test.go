package azure

import (
	"context"
	"io"
	"net/http"
	"time"

	"aoai-bridge/shared/config"
	"aoai-bridge/shared/telemetry"
)

// AnswerFrom is an answer whose body arrives just as r returns it, which no connection promises.
func AnswerFrom(ctx context.Context, path, contentType string, r io.Reader) *Answer {
	client := New(Options{Env: config.Env{IdleTimeout: time.Minute}})
	ctx, cancel := context.WithCancelCause(ctx)
	a := &attempts{
		client: client, call: &Call{Path: path}, record: telemetry.From(ctx), began: client.now(), cancel: cancel,
		limit: time.NewTimer(time.Hour),
	}
	return a.answer(ctx, &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(r)})
}
