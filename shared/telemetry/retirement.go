package telemetry

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Retirement is how long Azure will serve a deployment that the Azure secret lists.
type Retirement struct {
	Resource, Deployment string
	Model                string // that the deployment serves
	Version              string // whose day it is, where Model names none; "" is any
	Date                 string // on which Azure stops serving it, "2027-02-06"
	Days                 int    // until then
	Passed               bool   // the day has passed, by a source that is no older
	Source               string // what the date is from
	SourceDate           string // "" is not known
}

// warnDays is how many days before a retirement its line becomes a warning.
const warnDays = 14

// WriteRetirement writes a line, which CloudWatch also reads as the metric DaysToRetirement of a resource and a
// deployment, and of the stack, since an alarm cannot search for the least of metrics that it does not know. From 14 days
// before the retirement on it is a warning.
func (l *Log) WriteRetirement(ctx context.Context, now time.Time, retires Retirement) {
	if l == nil {
		return
	}
	level, message := slog.LevelInfo, "the model of this deployment will be retired"
	switch {
	case retires.Passed:
		level, message = slog.LevelWarn, "the model of this deployment has been retired: deploy another"
	case retires.Days <= warnDays:
		level, message = slog.LevelWarn, "the model of this deployment will be retired soon: deploy another, or check Azure's schedule for a later day"
	}
	r := slog.NewRecord(now, level, message, 0)
	r.AddAttrs(
		slog.String("stack", l.stack),
		slog.String("function", l.function),
		slog.String("resource", retires.Resource),
		slog.String("deployment", strings.ToLower(retires.Deployment)), // as in the lines of calls
		slog.String("model", retires.Model),
		slog.String("version", retires.Version),
		slog.String("date", retires.Date),
		slog.String("source", retires.Source),
		slog.String("source_date", retires.SourceDate),
		slog.Int("DaysToRetirement", retires.Days),
		slog.Any("_aws", json.RawMessage(`{"Timestamp":`+strconv.FormatInt(now.UnixMilli(), 10)+
			`,"CloudWatchMetrics":[{"Namespace":"aoai-bridge","Dimensions":[["stack"],["stack","resource","deployment"]],"Metrics":[{"Name":"DaysToRetirement","Unit":"None"}]}]}`)),
	)
	_ = l.handler.Handle(ctx, r) // standard output has nobody to tell of its failure
}
