// Package retirement reports how many days Azure will serve the deployments that the Azure secret lists.
//
// Every function does so, once in each process and day, after it has answered its first call of that day. A stack may
// be used for one thing only, such as batches, so that no function can be named that runs every day, and an instance
// does not know what others have reported: the metric's minimum is the same however often it is reported. The report
// needs the catalog, which calls do not. It is made beside the end of a call that has been answered, so that no call
// waits for it; Lambda may freeze the process meanwhile, and the report then goes on beside the next call.
package retirement

import (
	"context"
	"net/http"
	"sync"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/telemetry"
)

// Watch reports retirements. Its methods may be called concurrently.
type Watch struct {
	azure *azure.Client
	log   *telemetry.Log
	now   func() time.Time

	mu  sync.Mutex
	day int64 // of the last report, since 1970
}

// New makes a Watch over the deployments of the client's secret. A nil now is clock.Wall.
func New(client *azure.Client, log *telemetry.Log, now func() time.Time) *Watch {
	return &Watch{azure: client, log: log, now: clock.Or(now)}
}

// After returns a handler that serves as next does. After the first answer of each day it begins a report, and does not
// wait for it.
func (w *Watch) After(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(out, r)
		if w.due() {
			go w.Report(context.WithoutCancel(r.Context()))
		}
	})
}

// due reports whether there has been no report today, and takes it that there will be.
func (w *Watch) due() bool {
	today := w.now().Unix() / (24 * 60 * 60)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.day == today {
		return false
	}
	w.day = today
	return true
}

// Report writes a line for each deployment whose retirement is known. Where the secret cannot be read, which is in the
// log then, there are none, and the next answer begins another report.
func (w *Watch) Report(ctx context.Context) {
	deployments, err := w.azure.Deployments(ctx)
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.day = 0
		return
	}
	if len(deployments) == 0 {
		return
	}
	known, _, err := w.azure.Catalog(ctx, "")
	if err != nil {
		known = catalog.Embedded() // without the secret's own models, one of which is wrong
	}
	now := w.now()
	for _, d := range deployments {
		n, err := known.Lookup(d.Model)
		if err != nil {
			continue
		}
		r := known.FirstRetirement(n, now)
		if r == nil {
			continue
		}
		line := telemetry.Retirement{
			Resource: d.Resource, Deployment: d.Deployment, Model: d.Model, Version: r.Version,
			Date: r.Date, Days: r.Days(now), Passed: r.Passed, Source: r.Source,
		}
		if r.SourceDate != nil {
			line.SourceDate = *r.SourceDate
		}
		w.log.WriteRetirement(ctx, now, line)
	}
}
