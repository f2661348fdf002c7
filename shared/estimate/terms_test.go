package estimate

import (
	"testing"
	"time"

	"aoai-bridge/shared/catalog"
)

func TestRetirement(t *testing.T) {
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
			n, err := catalog.Embedded().Lookup(tt.model)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.DateOnly, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			got := retirement(catalog.Embedded(), &n, now)
			if got.Date != tt.want.Date || got.Passed != tt.want.Passed || (got.Note != "") != tt.note {
				t.Errorf("got %+v, want %+v, with a note %t", got, tt.want, tt.note)
			}
		})
	}
	n, err := catalog.Embedded().Lookup("gpt-6.1-terra")
	if err != nil {
		t.Fatal(err)
	}
	if got := retirement(catalog.Embedded(), &n, time.Now()); got != nil {
		t.Errorf("got %+v of a model whose retirement nobody states", got)
	}
}
