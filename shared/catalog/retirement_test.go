package catalog

import (
	"testing"
	"time"
)

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Days takes it that every day of the catalog is one.
func TestDaysOfRetirement(t *testing.T) {
	n := 0
	for _, m := range Embedded().models {
		days := []string{}
		if m.Retirement != nil {
			days = append(days, *m.Retirement)
		}
		for _, v := range m.Versions {
			if v.Retirement != "" {
				days = append(days, v.Retirement)
			}
		}
		for _, d := range days {
			day(t, d)
			n++
		}
	}
	if n < 40 {
		t.Errorf("%d days were found", n)
	}
}

func TestRetirementsNote(t *testing.T) {
	for _, tt := range []struct {
		name, model, now string
		want             Retirement
		note             bool
	}{
		{"to come", "gpt-4o", "2026-11-28", Retirement{Date: "2027-04-14"}, false},
		{"passed", "gpt-5.2-chat", "2026-11-28", Retirement{Date: "2026-06-29", Passed: true}, false},
		{"come since the source was published", "gpt-4o", "2027-04-14", Retirement{Date: "2027-04-14"}, true},
		{"of a version", "gpt-4o-2024-05-13", "2027-01-15", Retirement{Date: "2027-01-14"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Embedded().Retirement(lookup(t, Embedded(), tt.model), day(t, tt.now))
			if got.Date != tt.want.Date || got.Passed != tt.want.Passed || (got.Note != "") != tt.note {
				t.Errorf("got %+v, want %+v, with a note %t", got, tt.want, tt.note)
			}
		})
	}
	if got := Embedded().Retirement(lookup(t, Embedded(), "gpt-6.1-terra"), time.Now()); got != nil {
		t.Errorf("got %+v of a model whose retirement nobody states", got)
	}
}

func TestFirstRetirement(t *testing.T) {
	c := *Embedded()
	c.models = map[string]*Model{}
	retires := func(name string, model string, versions ...string) {
		m := &Model{Name: name, Retirement: &model, RetirementSource: "azure-retirements"} // of 2026-11-20
		for _, v := range versions {
			m.Versions = append(m.Versions, Version{Version: v, Retirement: v}) // each version is named after its own day
		}
		c.models[name] = m
	}
	retires("plain", "2026-12-10")
	retires("several", "2027-04-14", "2027-01-14", "2028-01-01", "")
	retires("gone", "2027-04-14", "2026-11-19")
	retires("all-gone", "2026-11-19", "2026-11-01")
	c.models["user"] = &Model{Name: "user", Retirement: new("2026-12-10"), RetirementSource: override}
	c.models["unknown"] = &Model{Name: "unknown"}
	tests := []struct {
		name, on string
		want     string // day, version of the day; "" is none
		days     int
		passed   bool
		note     bool
	}{
		{"plain", "2026-11-26", "2026-12-10", 14, false, false},
		{"plain", "2026-12-10", "2026-12-10", 0, false, true},
		{"plain", "2027-03-01", "2026-12-10", 0, false, true}, // the source is older, and cannot know that it has passed
		{"user", "2026-12-12", "2026-12-10", -2, true, false},
		{"several", "2026-11-28", "2027-01-14 2027-01-14", 47, false, false},
		{"several-2028-01-01", "2026-11-28", "2028-01-01", 399, false, false},
		{"several-2024-05-13", "2026-11-28", "2027-04-14", 137, false, false}, // a version without a day of its own
		{"gone", "2026-11-28", "2027-04-14", 137, false, false},               // a deployment that answers has another version
		{"gone-2026-11-19", "2026-11-28", "2026-11-19", -9, true, false},
		{"all-gone", "2026-11-28", "2026-11-01 2026-11-01", -27, true, false},
		{"unknown", "2026-11-28", "", 0, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name+" on "+tt.on, func(t *testing.T) {
			n := lookup(t, &c, tt.name)
			now := day(t, tt.on).Add(23 * time.Hour)
			r := c.FirstRetirement(n, now)
			if r == nil || tt.want == "" {
				if r != nil || tt.want != "" {
					t.Fatalf("got %+v, want %q", r, tt.want)
				}
				return
			}
			got := r.Date
			if r.Version != "" {
				got += " " + r.Version
			}
			if got != tt.want || r.Days(now) != tt.days || r.Passed != tt.passed || (r.Note != "") != tt.note {
				t.Errorf("got %+v and %d days, want %+v", r, r.Days(now), tt)
			}
		})
	}
}
