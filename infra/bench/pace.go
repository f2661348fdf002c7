package main

import (
	"net/http"
	"sync/atomic"
	"time"
)

// perConnection is what S3 gives one connection, in bytes a second. AWS advises to "make one concurrent
// request for each 85–90 MB/s of desired network throughput"
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html).
const perConnection = 90_000_000

// pacer has a handler's answers go out at so many bytes a second each; 0 is as fast as they can.
type pacer struct {
	http.Handler
	rate atomic.Int64
}

func (p *pacer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rate := p.rate.Load(); rate > 0 {
		w = &pacedWriter{w, float64(rate), time.Now()}
	}
	p.Handler.ServeHTTP(w, r)
}

type pacedWriter struct {
	http.ResponseWriter
	rate float64
	due  time.Time // when what has been written may have arrived
}

// burst bounds how much time may be made up for after a slow reader, or after a sleep that was too long.
const burst = 10 * time.Millisecond

func (p *pacedWriter) Write(b []byte) (int, error) {
	n, err := p.ResponseWriter.Write(b)
	if earliest := time.Now().Add(-burst); p.due.Before(earliest) {
		p.due = earliest
	}
	p.due = p.due.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	time.Sleep(time.Until(p.due))
	return n, err
}
