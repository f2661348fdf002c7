package routing_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/routing"
)

func TestOrder(t *testing.T) {
	a, b, c := routing.Target{Resource: "a"}, routing.Target{Resource: "b"}, routing.Target{Resource: "c"}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	type rest struct {
		target routing.Target
		until  time.Duration
	}
	tests := []struct {
		name  string
		rests []rest
		at    time.Duration
		want  []routing.Target
	}{
		{"nobody rests", nil, 0, []routing.Target{a, b, c}},
		{"who rests is last", []rest{{a, 5}}, 0, []routing.Target{b, c, a}},
		{"the order of the others stays", []rest{{b, 5}}, 0, []routing.Target{a, c, b}},
		{"all rest: who is free soonest is first", []rest{{a, 9}, {b, 5}, {c, 7}}, 0, []routing.Target{b, c, a}},
		{"a rest ends", []rest{{a, 5}}, 5, []routing.Target{a, b, c}},
		{"a shorter rest does not cut a longer one", []rest{{a, 9}, {a, 1}}, 5, []routing.Target{b, c, a}},
		{"a rest ends while another goes on", []rest{{a, 5}, {c, 9}}, 5, []routing.Target{a, b, c}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h routing.Health
			for _, r := range tt.rests {
				h.Rest(r.target, "", now, now.Add(r.until))
			}
			targets := []routing.Target{a, b, c}
			if got := h.Order(targets, "", now.Add(tt.at)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if !slices.Equal(targets, []routing.Target{a, b, c}) {
				t.Errorf("the argument was changed to %v", targets)
			}
		})
	}
}

func TestRestsUntil(t *testing.T) {
	var h routing.Health
	target, until := routing.Target{Resource: "a"}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := h.RestsUntil(target, ""); !got.IsZero() {
		t.Errorf("got %v before any rest", got)
	}
	h.Rest(target, "", until.Add(-time.Second), until)
	if got := h.RestsUntil(target, ""); !got.Equal(until) {
		t.Errorf("got %v, want %v", got, until)
	}
}

// TestTiers has a target rest for one tier and asks how long calls of another leave it alone.
func TestTiers(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a, b := routing.Target{Resource: "r", Deployment: "a"}, routing.Target{Resource: "r", Deployment: "b"}
	flex := routing.TierOf("flex")
	tests := []struct {
		name       string
		rest       func(*routing.Health)
		tier       routing.Tier
		until      time.Duration // 0: a does not rest
		firstIsOne bool          // a is asked first
	}{
		{"flex alone: flex", func(h *routing.Health) { h.Rest(a, flex, now, now.Add(5)) }, flex, 5, false},
		{"flex alone: standard", func(h *routing.Health) { h.Rest(a, flex, now, now.Add(5)) }, routing.TierOf("default"), 0, true},
		{"flex alone: priority", func(h *routing.Health) { h.Rest(a, flex, now, now.Add(5)) }, routing.TierOf("priority"), 0, true},
		{"all: flex", func(h *routing.Health) { h.Rest(a, "", now, now.Add(5)) }, flex, 5, false},
		{"all: auto", func(h *routing.Health) { h.Rest(a, "", now, now.Add(5)) }, routing.TierOf("auto"), 5, false},
		{"both: the longer", func(h *routing.Health) { h.Rest(a, "", now, now.Add(5)); h.Rest(a, flex, now, now.Add(9)) }, flex, 9, false},
		{"the resource", func(h *routing.Health) { h.RestResource("r", now, now.Add(7)) }, flex, 7, true},
		{"the resource, and longer a deployment", func(h *routing.Health) { h.RestResource("r", now, now.Add(7)); h.Rest(a, "", now, now.Add(9)) }, "", 9, false},
		{"another resource", func(h *routing.Health) { h.RestResource("s", now, now.Add(7)) }, "", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h routing.Health
			tt.rest(&h)
			want := time.Time{}
			if tt.until > 0 {
				want = now.Add(tt.until)
			}
			if got := h.RestsUntil(a, tt.tier); !got.Equal(want) {
				t.Errorf("rests until %v, want %v", got, want)
			}
			if got := h.Order([]routing.Target{a, b}, tt.tier, now)[0]; (got == a) != tt.firstIsOne {
				t.Errorf("%v is first", got)
			}
		})
	}
}

// TestRestIsNews is about what Rest and RestResource report: one of many calls that fail at once is told.
func TestRestIsNews(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var h routing.Health
	a := routing.Target{Resource: "r", Deployment: "a"}
	for i, step := range []struct {
		at   time.Duration
		want bool
	}{{0, true}, {0, false}, {time.Minute - 1, false}, {2 * time.Minute, true}} {
		at := now.Add(step.at)
		if got := h.Rest(a, "", at, at.Add(time.Minute)); got != step.want {
			t.Errorf("step %d: a deployment's is news: %v", i, got)
		}
		if got := h.RestResource("r", at, at.Add(time.Minute)); got != step.want {
			t.Errorf("step %d: a resource's is news: %v", i, got)
		}
	}
}

// TestMadeUpNames has a caller make up names, short ones and huge ones, while a deployment is busy.
func TestMadeUpNames(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var h routing.Health
	busy := routing.Target{Resource: "r", Deployment: "gpt-4o"}
	h.Rest(busy, "", now, now.Add(20*time.Second))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 100_000 {
		body := strings.Repeat("x", 1000) + fmt.Sprint("name-", i) // of which the name is a part
		h.Rest(routing.Target{Resource: "r", Deployment: body[1000:]}, "", now, now.Add(time.Minute))
		if i%10 == 0 {
			h.Rest(routing.Target{Resource: "r", Deployment: body}, "", now, now.Add(time.Minute))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("100,000 names took %d bytes", grown)
	}
	if h.RestsUntil(busy, "").IsZero() {
		t.Error("made-up names displaced a deployment that is busy for a moment")
	}
	h.Rest(routing.Target{Resource: "r", Deployment: "later"}, "", now.Add(time.Hour), now.Add(2*time.Hour))
	if h.RestsUntil(routing.Target{Resource: "r", Deployment: "later"}, "").IsZero() {
		t.Error("what has rested leaves no room")
	}
}
