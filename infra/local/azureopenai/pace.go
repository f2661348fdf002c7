package azureopenai

import (
	"encoding/json"
	"fmt"
	"time"
)

// Pace says how long the states of files and batches last. The zero value is as fast as it goes.
type Pace struct {
	Processing time.Duration // of a file, until it may be used
	Validating time.Duration
	PerLine    time.Duration // of a batch in progress
	Finalizing time.Duration
	Cancelling time.Duration
}

// DefaultPace lets a person see every state. Azure takes minutes to hours.
var DefaultPace = Pace{Processing: time.Second, Validating: time.Second, PerLine: time.Millisecond, Finalizing: time.Second, Cancelling: time.Second}

// Scaled is the pace with all times multiplied.
func (p Pace) Scaled(factor float64) Pace {
	for _, d := range []*time.Duration{&p.Processing, &p.Validating, &p.PerLine, &p.Finalizing, &p.Cancelling} {
		*d = time.Duration(float64(*d) * factor)
	}
	return p
}

// SetPace changes the pace of what begins from now on.
func (s *Server) SetPace(p Pace) { s.pace.Store(&p) }

// pacing is a Pace as the control route has it: durations such as "1.5s", those left out as they are by
// default, and all of them scaled.
type pacing struct {
	Scale      *float64 `json:"scale,omitempty"`
	Processing *string  `json:"processing,omitempty"`
	Validating *string  `json:"validating,omitempty"`
	PerLine    *string  `json:"per_line,omitempty"`
	Finalizing *string  `json:"finalizing,omitempty"`
	Cancelling *string  `json:"cancelling,omitempty"`
}

func readPace(d *json.Decoder) (Pace, error) {
	var requested pacing
	p := DefaultPace
	d.DisallowUnknownFields()
	if err := d.Decode(&requested); err != nil {
		return p, err
	}
	for _, field := range []struct {
		text *string
		to   *time.Duration
	}{
		{requested.Processing, &p.Processing}, {requested.Validating, &p.Validating}, {requested.PerLine, &p.PerLine},
		{requested.Finalizing, &p.Finalizing}, {requested.Cancelling, &p.Cancelling},
	} {
		if field.text == nil {
			continue
		}
		var err error
		if *field.to, err = time.ParseDuration(*field.text); err != nil {
			return p, fmt.Errorf("durations are written such as 1.5s: %w", err)
		}
	}
	if requested.Scale != nil {
		p = p.Scaled(*requested.Scale)
	}
	return p, nil
}

func (p Pace) describe() map[string]string {
	return map[string]string{"processing": p.Processing.String(), "validating": p.Validating.String(), "per_line": p.PerLine.String(),
		"finalizing": p.Finalizing.String(), "cancelling": p.Cancelling.String()}
}
