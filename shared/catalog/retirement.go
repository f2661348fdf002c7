package catalog

import "time"

// Retirement is when Azure stops serving a model. Passed is false if the source is older than that day; the note then
// says so.
type Retirement struct {
	Date       string  `json:"date"`              // "2027-02-06"
	Version    string  `json:"version,omitempty"` // whose day it is, where the versions' differ and none was asked for
	Passed     bool    `json:"passed"`
	Source     string  `json:"source"`
	SourceDate *string `json:"source_date"`
	Note       string  `json:"note,omitempty"`
}

// Retirement returns the retirement of the version asked for, or of the newest where none was. It is nil where no source
// states one.
func (c *Catalog) Retirement(n Named, now time.Time) *Retirement {
	day, source := n.Retires()
	if day == "" {
		return nil
	}
	r := &Retirement{Date: day, Passed: c.Passed(day, source, now), Source: source, SourceDate: c.sources[source].Date}
	if !r.Passed && now.UTC().Format(time.DateOnly) >= day {
		r.Note = "this day is after the source's date, and may have been put off: see Azure's schedule"
	}
	return r
}

// FirstRetirement returns what Retirement does, but where no version was asked for, any may be meant, and it is the
// earliest that has not passed.
func (c *Catalog) FirstRetirement(n Named, now time.Time) *Retirement {
	first := c.Retirement(n, now)
	if n.AskedVersion != "" || first == nil {
		return first
	}
	for _, v := range n.Versions {
		if v.Retirement == "" {
			continue
		}
		r := c.Retirement(Named{n.Model, v.Version}, now)
		r.Version = v.Version
		if sooner := r.Date < first.Date; sooner && r.Passed == first.Passed || first.Passed && !r.Passed {
			first = r
		}
	}
	return first
}

// Days returns how many days are left until the retirement: 0 on its day, and less only if it has passed.
func (r *Retirement) Days(now time.Time) int {
	day, _ := time.Parse(time.DateOnly, r.Date) // a test has parsed every date of the catalog, and With those of the secret
	days := int(day.Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	if !r.Passed {
		days = max(days, 0)
	}
	return days
}
