// Package telemetry writes one structured line per call, which CloudWatch also reads as metrics.
// It does not know prompts, answers, keys and hosts: a Call has no place for them.
package telemetry

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/release"
)

// Call is what is told of one call. The handlers below the edge fill it in as they learn it; a call
// is handled by one goroutine at a time.
type Call struct {
	RequestID    string // of the gateway or the invocation
	Operation    string // "chat.completions" and so on
	Caller       string // the caller's name
	Model        string // as asked for
	Resource     string // name of the Azure resource that answered
	Deployment   string // that answered, or was asked last
	Known        bool   // Azure has that deployment: the secret lists it, or it has answered 2xx
	Status       int    // sent to the caller
	Stream       bool
	Tries        int           // requests sent to Azure
	UpstreamTime time.Duration // from the first request to Azure until its answer's end or its last error
	FirstByte    time.Duration // from the call's start to the first byte of Azure's answer; 0: none came
	AzureID      string        // apim-request-id, which Microsoft's support asks for
	Usage        Usage
	Code         string // of the error that the caller got
	Err          error  // for the log, never for the caller
	start        time.Time
}

// CallerGone is the code of a call that nobody waited for any more. It is nobody's error.
const CallerGone = "client_closed_request"

// Usage is in tokens, as Azure reports it. Known is false where it reported none.
type Usage struct {
	Known                      bool
	Input, CachedInput, Output int64
}

type key struct{}

// Start begins a call.
func Start(ctx context.Context, requestID string) (context.Context, *Call) {
	c := &Call{RequestID: requestID, start: time.Now()}
	return context.WithValue(ctx, key{}, c), c
}

// From returns the call under way. Outside of one it returns a Call that nobody reads.
func From(ctx context.Context) *Call {
	if c, ok := ctx.Value(key{}).(*Call); ok {
		return c
	}
	return &Call{start: time.Now()}
}

// Branch returns a context with a record of its own, for one of several calls to Azure that run at the
// same time on behalf of the call under way. Join adds it to that call's record.
func Branch(ctx context.Context) (context.Context, *Call) {
	branch := &Call{start: From(ctx).start}
	return context.WithValue(ctx, key{}, branch), branch
}

// Join adds what a branch learned: tries and tokens add up, the first byte is the earliest one, the time
// upstream the longest of one call, and the deployment that of the branch that joined last. Branches must
// not join at the same time.
func (c *Call) Join(branch *Call) {
	if branch.Tries == 0 {
		return
	}
	c.Resource, c.Deployment, c.Known, c.AzureID = branch.Resource, branch.Deployment, branch.Known, branch.AzureID
	c.Tries += branch.Tries
	c.UpstreamTime = max(c.UpstreamTime, branch.UpstreamTime)
	if c.FirstByte == 0 || branch.FirstByte > 0 && branch.FirstByte < c.FirstByte {
		c.FirstByte = branch.FirstByte
	}
	c.Usage.Known = c.Usage.Known || branch.Usage.Known
	c.Usage.Input += branch.Usage.Input
	c.Usage.CachedInput += branch.Usage.CachedInput
	c.Usage.Output += branch.Usage.Output
}

// Fail sends an error to the caller of r and notes it for the log: its code and its cause, but not its
// message, since Azure's may quote the request.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	e := openaierr.From(err)
	c := From(r.Context())
	c.Code, c.Err = e.Code, e.Cause
	openaierr.Write(w, e)
}

// Elapsed is the time since the call began.
func (c *Call) Elapsed() time.Duration { return time.Since(c.start) }

// bounded is what is logged of a name that a caller may have filled with anything.
func bounded(name string) string { return name[:min(len(name), 100)] }

// Log writes calls as lines of JSON. A nil *Log writes nothing.
type Log struct {
	handler         slog.Handler
	stack, function string
}

// NewLog writes to w on behalf of a function of a stack. The line of a call is written whatever the level of
// other lines is, because the metrics are in it.
func NewLog(w io.Writer, stack, function string) *Log {
	built := slog.String("release", release.Version)
	return &Log{slog.NewJSONHandler(w, nil).WithAttrs([]slog.Attr{built}), stack, function}
}

// Write writes the line of a call that has ended.
func (l *Log) Write(ctx context.Context, c *Call) {
	if l == nil {
		return
	}
	now := time.Now()
	level, clientErrors, serverErrors := slog.LevelInfo, 0, 0
	switch {
	case c.Code == CallerGone:
	case c.Status >= 500 || c.Err != nil && c.Status < 400:
		level, serverErrors = slog.LevelError, 1
	case c.Status >= 400:
		clientErrors = 1
	}
	r := slog.NewRecord(now, level, "call", 0)
	r.AddAttrs(
		slog.String("request_id", c.RequestID),
		slog.String("stack", l.stack),
		slog.String("function", l.function),
		slog.String("operation", c.Operation),
		slog.String("caller", c.Caller),
		slog.String("model", bounded(c.Model)),
		slog.String("resource", c.Resource),
		slog.String("deployment", bounded(strings.ToLower(c.Deployment))), // Azure's names have no case, metrics have
		slog.Int("status", c.Status),
		slog.Bool("stream", c.Stream),
		slog.Int("tries", c.Tries),
		slog.Float64("duration_ms", ms(now.Sub(c.start))),
		slog.Float64("upstream_ms", ms(c.UpstreamTime)),
		slog.String("apim_request_id", c.AzureID),
		slog.Int("calls", 1),
		slog.Int("client_errors", clientErrors),
		slog.Int("server_errors", serverErrors),
	)
	if c.FirstByte > 0 {
		r.AddAttrs(slog.Float64("first_byte_ms", ms(c.FirstByte)))
	}
	if c.Usage.Known {
		r.AddAttrs(
			slog.Int64("input_tokens", c.Usage.Input),
			slog.Int64("cached_input_tokens", c.Usage.CachedInput),
			slog.Int64("output_tokens", c.Usage.Output),
		)
	}
	if c.Code != "" {
		r.AddAttrs(slog.String("error_code", bounded(c.Code)))
	}
	if c.Err != nil {
		r.AddAttrs(slog.String("error", logsafe.Text(c.Err.Error())))
	}
	r.AddAttrs(slog.Any("_aws", metrics(now, c)))
	_ = l.handler.Handle(ctx, r) // standard output has nobody to tell of its failure
}

// metrics is CloudWatch's embedded metric format: it turns members of the same line into metrics.
// A deployment is a dimension only if Azure is known to have it, so that a caller who makes up names
// makes up no metrics, each of which has a price.
func metrics(now time.Time, c *Call) json.RawMessage {
	dimensions := `[["stack","function"]]`
	if c.Deployment != "" && c.Known {
		dimensions = `[["stack","function"],["stack","function","deployment"]]`
	}
	names := `{"Name":"calls","Unit":"Count"},{"Name":"client_errors","Unit":"Count"},{"Name":"server_errors","Unit":"Count"}`
	if c.FirstByte > 0 {
		names += `,{"Name":"first_byte_ms","Unit":"Milliseconds"}`
	}
	if c.Usage.Known {
		names += `,{"Name":"input_tokens","Unit":"Count"},{"Name":"output_tokens","Unit":"Count"}`
	}
	return json.RawMessage(`{"Timestamp":` + strconv.FormatInt(now.UnixMilli(), 10) +
		`,"CloudWatchMetrics":[{"Namespace":"aoai-bridge","Dimensions":` + dimensions +
		`,"Metrics":[` + names + `]}]}`)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
