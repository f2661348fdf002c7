package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/openaierr"
)

// A survey must find what the plan task finds.
func TestSurveyIsThePlan(t *testing.T) {
	bad := "not JSON\n" + `{"method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-9"}}` + "\n\n"
	quota := `{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch","capacity":1}`
	for _, tt := range []struct{ name, deployments, file string }{
		{"one model", "", manyLines(50, "gpt-4o-mini")},
		{"models, endpoints and bad lines", "", "\ufeff" + manyLines(3, "gpt-4o") + bad + manyLines(4, "gpt-4o-mini") + bad +
			`{"method":"POST","url":"/v1/embeddings","body":{"model":"text-embedding-3-small","input":"a"}}` + "\n" +
			`{"method":"POST","url":"/v1/responses","mode":"online","body":{"model":"gpt-4o","input":"a","max_output_tokens":7}}`},
		{"a quota of a thousand tokens", quota, manyLines(90, "gpt-4o-mini")},
		{"online parts", `{"model":"gpt-4o-mini","type":"GlobalStandard"}`, manyLines(4100, "gpt-4o-mini")},
		{"gzip", "", compress("\ufeff"+manyLines(50, "gpt-4o-mini")) + compress(bad+manyLines(4, "gpt-4o"))},
		{"urls of every form", "", strings.ReplaceAll(manyLines(3, "gpt-4o"), "/v1/chat", "chat") +
			`{"method":"post","url":"/openai/deployments/gpt-4o/chat/completions","body":{"messages":[]}}` + "\n" +
			`{"method":"post","url":"/openai/deployments/gpt-4o/responses","mode":"online","body":{"input":"a"}}` + "\n" +
			`{"method":"post","url":"/openai/deployments/gpt-4o-mini/responses","body":{"model":"gpt-4o","input":"a"}}` + "\n"},
		{"nothing", "", "\n\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.deployments != "" {
				w.deployments(tt.deployments)
			}
			w.Put("inbox/a.jsonl", tt.file)
			a := w.plan(w.event("inbox/a.jsonl"))
			made := w.planOf(a.Job)
			found, err := w.planner().Survey(t.Context(), plan.Source{Key: "inbox/a.jsonl"})
			if err != nil {
				t.Fatal(err)
			}
			var parts int
			var tokens, output int64
			for _, row := range found.Parts {
				parts, tokens, output = parts+row.Parts, tokens+row.Tokens, output+row.OutputTokens
			}
			got := fmt.Sprint(found.Done, found.Lines, found.Refused, found.Offset, found.Line, parts, tokens, output)
			want := fmt.Sprint(made.Done, made.Lines, made.Rejected, made.Offset, made.Line, len(made.Parts), made.Estimate.Input, made.Estimate.Output)
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if len(found.Refusals) != found.Refused {
				t.Errorf("%d refusals of %d are told", len(found.Refusals), found.Refused)
			}
		})
	}
}

func TestSurveyTellsOfRefusals(t *testing.T) {
	w := newWorld(t)
	w.Put("a.jsonl", chat("a", "gpt-4o", "x")+"\n\nnot JSON\n"+strings.Repeat("[]\n", 150))
	found, err := w.planner().Survey(t.Context(), plan.Source{Bucket: bucket, Key: "a.jsonl"})
	if err != nil {
		t.Fatal(err)
	}
	if found.Lines != 152 || found.Refused != 151 || len(found.Refusals) != 100 || found.Refusals[0].Line != 3 || found.Refusals[0].Code != "invalid_json_line" {
		t.Errorf("got %d lines, %d refused: %+v", found.Lines, found.Refused, found.Refusals)
	}
}

// A survey that has no time left tells where to go on, and the pieces add up to the whole.
func TestSurveyGoesOn(t *testing.T) {
	var file, words strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&words, "word%d ", i*i%997)
	}
	for i := range 300 {
		file.WriteString(chat(fmt.Sprint(i), "gpt-4o-mini", words.String()[i:]) + "\n")
	}
	for name, content := range map[string]string{"plain": file.String(), "gzip": compress(file.String()[:9999]) + compress(file.String()[9999:])} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("a.jsonl", content)
			whole, err := w.planner().Survey(t.Context(), plan.Source{Key: "a.jsonl"})
			if err != nil {
				t.Fatal(err)
			}
			w.tick, w.limit = time.Second, 4*time.Second
			source := plan.Source{Key: "a.jsonl"}
			var lines, calls int
			var tokens int64
			for done := false; !done; calls++ {
				found, err := w.planner().Survey(w.context(), source)
				if err != nil {
					t.Fatal(err)
				}
				lines, tokens, done = lines+found.Lines, tokens+found.Parts[0].Tokens, found.Done
				if !done && found.Offset <= source.Offset {
					t.Fatalf("no way was made after %d", source.Offset)
				}
				source.Offset, source.Line = found.Offset, found.Line
			}
			if calls < 2 || lines != whole.Lines || tokens != whole.Parts[0].Tokens || source.Line != whole.Line {
				t.Errorf("%d calls found %d lines with %d tokens, up to line %d; want several, %d, %d and %d", calls, lines, tokens, source.Line, whole.Lines, whole.Parts[0].Tokens, whole.Line)
			}
		})
	}
}

// What is held of a file is bounded in lines and in bytes, whether lines are short or too long to be read.
func TestSurveyHoldsLittle(t *testing.T) {
	for name, file := range map[string]string{
		"short": strings.Repeat("1\n", 20_000),
		"long":  strings.Repeat(strings.Repeat("1", 64<<20+1)+"\n", 3),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("a.jsonl", file)
			w.tick, w.limit = time.Second, time.Second // the time is over after the first stretch
			found, err := w.planner().Survey(w.context(), plan.Source{Key: "a.jsonl"})
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Count(file, "\n"); found.Done || found.Lines == 0 || found.Lines > all/3 {
				t.Errorf("%d of %d lines were read at once", found.Lines, all)
			}
		})
	}
}

func TestSurveyErrors(t *testing.T) {
	w := newWorld(t)
	w.Put("short.jsonl", "{}\n")
	w.Put("gzip.jsonl", compress("{}\n"))
	w.Put("utf16.jsonl", "\xff\xfe{\x00")
	w.Put("api/files/x.jsonl", "{}\n")
	w.Put("jobs/x.jsonl", "{}\n")
	for _, tt := range []struct {
		name   string
		source plan.Source
		status int
		param  string
	}{
		{"no key", plan.Source{}, 400, "s3.key"},
		{"no object", plan.Source{Key: "x.jsonl"}, 404, "s3.key"},
		{"another's file", plan.Source{Key: "api/files/x.jsonl"}, 403, "s3.key"},
		{"a job's record", plan.Source{Bucket: bucket, Key: "jobs/x.jsonl"}, 403, "s3.key"},
		{"an offset behind the end", plan.Source{Key: "short.jsonl", Offset: 9}, 400, "s3.offset"},
		{"another's file by a path", plan.Source{Key: "./api/files/x.jsonl"}, 403, "s3.key"},
		{"another's file by a longer path", plan.Source{Bucket: bucket, Key: "inbox/../api//files/x.jsonl"}, 403, "s3.key"},
		{"another's file behind a slash", plan.Source{Key: "/api/files/x.jsonl"}, 403, "s3.key"},
		{"a job's record by a path", plan.Source{Key: "../jobs/x.jsonl"}, 403, "s3.key"},
		{"an escaped slash, which S3 takes as it stands", plan.Source{Key: "api%2Ffiles/x.jsonl"}, 404, "s3.key"},
		{"a folder in the bucket's name", plan.Source{Bucket: bucket + "/api", Key: "files/x.jsonl"}, 400, "s3.bucket"},
		{"a folder in the bucket's name, escaped", plan.Source{Bucket: bucket + "%2Fapi", Key: "files/x.jsonl"}, 400, "s3.bucket"},
		{"a slash behind the bucket's name", plan.Source{Bucket: bucket + "/", Key: "api/files/x.jsonl"}, 400, "s3.bucket"},
		{"the bucket's name in capitals", plan.Source{Bucket: strings.ToUpper(bucket), Key: "api/files/x.jsonl"}, 400, "s3.bucket"},
		{"an ARN", plan.Source{Bucket: "arn:aws:s3:::" + bucket, Key: "api/files/x.jsonl"}, 400, "s3.bucket"},
		{"an access point", plan.Source{Bucket: "arn:aws:s3:us-east-1:123456789012:accesspoint/a", Key: "x.jsonl"}, 400, "s3.bucket"},
		{"an alias of an access point", plan.Source{Bucket: "a-mtzumkdzx1ex4ple9-s3alias", Key: "api/files/x.jsonl"}, 400, "s3.bucket"},
		{"UTF-16", plan.Source{Key: "utf16.jsonl"}, 400, "s3.key"},
		{"an offset after the end of what is compressed", plan.Source{Key: "gzip.jsonl", Offset: 9}, 400, "s3.offset"},
		{"no bucket", plan.Source{Bucket: "nobody", Key: "x.jsonl"}, 404, "s3.key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.planner().Survey(t.Context(), tt.source)
			var e *openaierr.Error
			if !errors.As(err, &e) || e.Status != tt.status || e.Param != tt.param {
				t.Errorf("got %v, want %d about %s", err, tt.status, tt.param)
			}
		})
	}
}
