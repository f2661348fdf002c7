package batch_test

import (
	"strings"
	"testing"
)

func TestDrop(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/reviews.jsonl", strings.Join([]string{chat("a", "gpt-4o-mini", "one"), chat("b", "gpt-4o", "two"), chat("c", "gpt-4o-mini", "three")}, "\n"))
	sum := w.run(w.event("inbox/reviews.jsonl"))
	if sum.Status != "completed" || sum.Lines.Succeeded != 3 || sum.Results != "s3://"+bucket+"/results/reviews.jsonl" {
		t.Errorf("got %+v", sum)
	}
	results := w.results("results/reviews.jsonl")
	for i, want := range []struct{ id, says string }{{"a", "one"}, {"b", "two"}, {"c", "three"}} {
		got := results[i]
		if got.CustomID != want.id || got.Response == nil || got.Response.Body.Choices[0].Message.Content != want.says {
			t.Errorf("line %d is %+v, want %v", i+1, got, want)
		}
	}
}
