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
	return answerFrom(ctx, &Call{Path: path}, contentType, r)
}

// StreamFrom is AnswerFrom for a call that asked for a stream.
func StreamFrom(ctx context.Context, path, contentType string, r io.Reader) *Answer {
	return answerFrom(ctx, &Call{Path: path, Stream: true}, contentType, r)
}

func answerFrom(ctx context.Context, call *Call, contentType string, r io.Reader) *Answer {
	client := New(Options{Env: config.Env{IdleTimeout: time.Minute}})
	ctx, cancel := context.WithCancelCause(ctx)
	a := &attempts{
		client: client, call: call, record: telemetry.From(ctx), began: client.lap(), cancel: cancel,
		limit: time.NewTimer(time.Hour),
	}
	return a.answer(ctx, &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(r)})
}

// OnLook has the client call f when it looks at its connections before a call, besides looking.
func (c *Client) OnLook(f func()) {
	look := c.transport.look
	c.transport.look = func() { f(); look() }
}

// Clocks returns the client's clocks.
func (c *Client) Clocks() (now, lap func() time.Time) { return c.now, c.lap }

// Over has the client send its requests by r.
func (c *Client) Over(r http.RoundTripper) { c.transport.RoundTripper, c.transport.look = r, func() {} }
