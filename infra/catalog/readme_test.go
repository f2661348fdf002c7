package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"aoai-bridge/shared/catalog"
)

// README's table must be the one that the rows make.
func TestReadme(t *testing.T) {
	committed, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	made, err := build(dir)
	if err != nil {
		t.Fatal(err)
	}
	pins, err := manifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := updateReadme(committed, made, pins)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, want) {
		t.Error("the table of costs in README.md is not what the catalog says: run go generate ./shared/catalog")
	}
	// What the catalog itself answers, in another way.
	c := catalog.Embedded()
	for _, name := range shown {
		n, err := c.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		p, reason := c.Price(n, catalog.GlobalStandard, catalog.Terms{Day: pins[litellm].Date})
		if p == nil {
			t.Fatalf("%s: %s", name, reason)
		}
		if cost := dollars(catalog.Rounded(p.Input.USD + 0.3*p.Output.USD)); !strings.Contains(string(committed), "\n| "+name+" | "+cost+" |") {
			t.Errorf("README.md has no row of %s for %s", name, cost)
		}
	}
}

func TestUpdateReadme(t *testing.T) {
	rates := func(input, output float64) catalog.Rates {
		return catalog.Rates{Input: catalog.Rate{USD: input, Known: true}, Output: catalog.Rate{USD: output, Known: true}}
	}
	made := func(retired string) *result {
		r := &result{tables: &tables{}}
		for _, name := range shown {
			r.tables.Models = append(r.tables.Models, &catalog.Model{Name: name})
		}
		name := shown[0]
		if retired != "" {
			r.tables.Models[0].Retirement = &retired
		}
		r.prices = []catalog.Price{
			{Model: name, Type: catalog.GlobalStandard, Until: "2026-11-30", Rates: rates(1, 10)},
			{Model: name, Type: catalog.GlobalStandard, From: "2026-12-01", Rates: rates(2, 20)},
			{Model: name, Type: catalog.GlobalStandard, Tier: catalog.Priority, Rates: rates(3, 30)},
			{Model: name, Version: "2026-01-01", Type: catalog.GlobalStandard, Rates: rates(4, 40)},
			{Model: name, Type: catalog.DataZoneStandard, Zone: "us", Rates: rates(1, 1)},
			{Model: name, Type: catalog.DataZoneStandard, Zone: "eu", Rates: rates(1.125, 1)},
			{Model: name, Type: catalog.DataZoneStandard, Zone: "apac", Rates: rates(1.125, 1)},
		}
		return r
	}
	pins := map[string]pin{litellm: {Version: "1", Date: "2026-11-20"}, genaiPrices: {Version: "2", Date: "2026-11-10"}}
	readme := "before\n" + tableBegins + "old\n" + tableEnds + "after\n"
	tests := []struct {
		name, readme string
		made         *result
		want         string // in the text or the error
	}{
		{"the day's price, zones, no batch", readme, made("2027-01-01"), "| " + shown[0] + " | 4.00 until 2026-11-30 | 1.30 (us), 1.425 (eu, apac) | none | 2027-01-01 |\n"},
		{"nothing known", readme, made(""), "| " + shown[1] + " | not stated | not stated | none | not stated |\n"},
		{"dates", readme, made(""), "before\n" + tableBegins + "1,000 calls of 1,000 tokens in and 300 out, in USD, by LiteLLM 1 of 2026-11-20 and genai-prices 2 of 2026-11-10:\n"},
		{"the rest stays", readme, made(""), "|\n" + tableEnds + "after\n"},
		{"retired", readme, made("2026-11-20"), "error: the table of costs names " + shown[0] + ", which was retired on 2026-11-20"},
		{"unknown", readme, &result{tables: &tables{}}, "error: the table of costs names " + shown[0] + ", which is not a model"},
		{"no place", "before\n", made(""), "error: README.md has no lines"},
		{"no end", "before\n" + tableBegins, made(""), "error: README.md has no lines"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := updateReadme([]byte(tt.readme), tt.made, pins)
			got := string(text)
			if err != nil {
				got = "error: " + err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
