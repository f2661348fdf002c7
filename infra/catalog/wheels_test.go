package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	var wheel bytes.Buffer
	archive := zip.NewWriter(&wheel)
	for name, text := range map[string]string{"rows.json": "{}", "LICENSE": "MIT"} {
		w, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(wheel.Bytes())
	right := pin{Package: "p", Version: "1", SHA256: hex.EncodeToString(sum[:]), Data: "rows.json", License: "LICENSE"}
	for _, tt := range []struct {
		name   string
		change func(*pin)
		err    string // "" is none
	}{
		{"as pinned", func(p *pin) {}, ""},
		{"another hash", func(p *pin) { p.SHA256 = strings.Repeat("0", 64) }, "has the SHA-256"},
		{"no hash", func(p *pin) { p.SHA256 = "" }, "has the SHA-256"},
		{"no such file", func(p *pin) { p.Data = "prices.json" }, "prices.json"},
		{"no licence", func(p *pin) { p.License = "LICENCE" }, "LICENCE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := right
			tt.change(&p)
			data, license, err := p.open(wheel.Bytes())
			switch {
			case tt.err == "" && (err != nil || string(data) != "{}" || string(license) != "MIT"):
				t.Errorf("got %q, %q, %v", data, license, err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

func TestTrimLitellm(t *testing.T) {
	got, err := trimLitellm([]byte(`{
		"gpt-4o": {"mode": "chat", "input_cost_per_token": 1},
		"azure_ai/other": {"mode": "chat"},
		"azure_ai/gpt-5.5": {"mode": "chat", "input_cost_per_token": 5e-06},
		"azure/x-latest": {"alias_of": "azure/x"},
		"azure/picture": {"mode": "image_generation", "input_cost_per_token": 1, "max_input_tokens": 7},
		"azure/x": {"mode": "chat", "source": "https://a.test/b?c=d", "max_input_tokens": 7, "supports_vision": true,
			"input_cost_per_token": 1e-07, "input_cost_per_audio_token": 9, "input_cost_per_second": 9,
			"output_cost_per_token_above_272k_tokens_flex": 2.50e-6, "cache_read_input_token_cost_batches": 3E-7}}`))
	want := `[
 {"key":"azure/picture","mode":"image_generation"},
 {"key":"azure/x","mode":"chat","max_input_tokens":7,"source":"https://a.test/b","prices":{"cache_read_input_token_cost_batches":3E-7,"input_cost_per_token":1e-07,"output_cost_per_token_above_272k_tokens_flex":2.50e-6}},
 {"key":"azure/x-latest","alias_of":"azure/x"},
 {"key":"azure_ai/gpt-5.5","mode":"chat","prices":{"input_cost_per_token":5e-06}}
]
`
	if err != nil || string(got) != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

func TestTrimGenaiPrices(t *testing.T) {
	const before = `
from .types import *

providers: list[Provider] = [
    Provider(id='other', models=[ModelInfo(id='x', match=ClauseEquals(equals='x'), prices=ModelPrice(input_mtok=Decimal('9')))]),
    Provider(
        id='azure',
        price_comments='it\'s "global", (mostly',
        models=[
`
	for _, tt := range []struct{ name, models, want, err string }{
		{"one", `ModelInfo(id='a', match=ClauseOr(or_=[ClauseEquals(equals='a'), ClauseContains(contains='a-1')]), context_window=128000,
			prices=ModelPrice(input_mtok=Decimal('1.10'), output_mtok=Decimal('4.4'))),`,
			`{"id":"a","names":["a","a-1"],"context_window":128000,"prices":{"input_mtok":1.10,"output_mtok":4.4}}`, ""},
		{"free", `ModelInfo(id='b', match=ClauseStartsWith(starts_with='b'), prices=ModelPrice())`, `{"id":"b","names":["b"]}`, ""},
		{"prices in steps", `ModelInfo(id='c', prices=ModelPrice(input_mtok=TieredPrices(base=Decimal('1'), tiers=[])))`, "", "c: input_mtok"},
		{"a list of prices", `ModelInfo(id='d', prices=[ConditionalPrice()])`, "", "d: prices"},
		{"another call", `Model(id='e')`, "", "no ModelInfo"},
		{"a sum", `ModelInfo(id='f', context_window=1 + 2)`, "", "want a comma"},
		{"no end", `ModelInfo(id='g`, "", "a string has no end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			end := "\n]),\n]\n"
			got, err := trimGenaiPrices([]byte(before + tt.models + end))
			switch {
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got %v, want %q", err, tt.err)
			case tt.err == "" && (err != nil || string(got) != "[\n "+tt.want+"\n]\n"):
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
	if _, err := trimGenaiPrices([]byte("providers = []")); err == nil {
		t.Error("a file without Azure is read")
	}
}

// A wheel is read only as it is pinned.
func TestManifest(t *testing.T) {
	pins, err := manifest("../../shared/catalog")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range pins {
		if p.Version == "" || p.Date == "" || len(p.SHA256) != 64 || wheels[name] == nil {
			t.Errorf("the pin of %s lacks something: %+v", name, p)
		}
	}
}
