package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/shared/catalog"
)

func quoteOf(t *testing.T, version string, what kind, price, row string) quote {
	t.Helper()
	usd, err := parseRat(json.Number(price))
	if err != nil {
		t.Fatal(err)
	}
	return quote{terms: terms{model: "m", version: version, kind: catalog.GlobalStandard}, what: what, price: usd, row: row, cites: true}
}

func TestBook(t *testing.T) {
	for _, tt := range []struct {
		name   string
		quotes []quote
		want   string
	}{
		{"the higher of two", []quote{quoteOf(t, "", input, "2", "a"), quoteOf(t, "", input, "3", "b"), quoteOf(t, "", input, "1", "c")},
			"m input=3 (sources disagree on the price of input: 3 or 2; the higher is used; sources disagree on the price of input: 3 or 1; the higher is used)"},
		{"two that agree", []quote{quoteOf(t, "", input, "2.0", "a"), quoteOf(t, "", input, "2", "b")}, "m input=2"},
		{"a version that costs the same", []quote{quoteOf(t, "", input, "2", "a"), quoteOf(t, "v", input, "2", "b"), quoteOf(t, "v", output, "8", "b")}, "m input=2 output=8"},
		{"a version that costs more", []quote{quoteOf(t, "", input, "2", "a"), quoteOf(t, "v", input, "5", "b"), quoteOf(t, "v", output, "8", "b")}, "m input=2, m v input=5 output=8"},
		{"versions alone", []quote{quoteOf(t, "2025", input, "2", "a"), quoteOf(t, "2026", output, "8", "b")}, "m input=2 output=8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := book{offers: map[terms]*offer{}}
			for _, q := range tt.quotes {
				b.add(q)
			}
			b.merge()
			if got := describeOffers(b.offers); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// describeOffers lists offers and their prices, and notes in brackets.
func describeOffers(offers map[terms]*offer) string {
	var all []string
	for t, o := range offers {
		text := strings.TrimSpace(t.model + " " + t.version)
		for _, what := range kinds {
			if price := o.prices[what]; price != nil {
				text += " " + string(what) + "=" + formatUSD(price)
			}
		}
		if len(o.notes) > 0 {
			text += " (" + strings.Join(o.notes, "; ") + ")"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestApplyCorrections(t *testing.T) {
	number := func(s json.Number) *json.Number { return &s }
	right := correction{Model: "m", Type: catalog.GlobalStandard, Set: map[string]*json.Number{"output": number("9")}, Source: "s", Reason: "r"}
	for _, tt := range []struct {
		name   string
		change func(*correction)
		want   string
		err    string
	}{
		{"another price", func(c *correction) {}, "m input=2 output=9 (r)", ""},
		{"an unknown price", func(c *correction) { c.Set = map[string]*json.Number{"input": nil} }, "m output=8 (r)", ""},
		{"a new row", func(c *correction) { c.Model = "n" }, "m input=2 output=8, n output=9 (r)", ""},
		{"nothing new", func(c *correction) { c.Set = map[string]*json.Number{"output": number("8.0")} }, "", "changes nothing"},
		{"what is not known already", func(c *correction) { c.Set = map[string]*json.Number{"cache_write": nil} }, "", "changes nothing"},
		{"no reason", func(c *correction) { c.Reason = "" }, "", "no source or no reason"},
		{"no source", func(c *correction) { c.Source = "" }, "", "no source or no reason"},
		{"a misspelt kind", func(c *correction) { c.Set = map[string]*json.Number{"ouput": number("9")} }, "", `"ouput" is not a kind`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := book{offers: map[terms]*offer{}}
			b.add(quoteOf(t, "", input, "2", "a"))
			b.add(quoteOf(t, "", output, "8", "a"))
			c := right
			tt.change(&c)
			err := b.applyCorrections([]correction{c})
			switch {
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got %v, want %q", err, tt.err)
			case tt.err == "" && (err != nil || describeOffers(b.offers) != tt.want):
				t.Errorf("got %s (%v), want %s", describeOffers(b.offers), err, tt.want)
			}
		})
	}
}

func TestEndPromotion(t *testing.T) {
	p := promotion{Models: []string{"m"}, Until: "2026-11-30", Input: "1.25", Output: "1.5", Source: "s", Reason: "r"}
	b := book{offers: map[terms]*offer{}}
	b.add(quoteOf(t, "", input, "4", "a"))
	b.add(quoteOf(t, "", long+output, "30", "a"))
	after, err := b.endPromotion(p, "2026-11-20")
	if err != nil || len(after) != 1 {
		t.Fatalf("got %v, %v", after, err)
	}
	before := slices.Collect(maps.Values(b.offers))[0]
	if before.until != "2026-11-30" || before.from != "" || formatUSD(before.prices[input]) != "4" {
		t.Errorf("until then it is %+v", before)
	}
	if o := after[0]; o.from != "2026-12-01" || o.until != "" || formatUSD(o.prices[input]) != "5" || formatUSD(o.prices[long+output]) != "45" {
		t.Errorf("after it is %+v", o)
	}
	if _, err := b.endPromotion(p, "2026-12-01"); err == nil || !strings.Contains(err.Error(), "take it out") {
		t.Errorf("wheels from after the promotion give %v", err)
	}
}
