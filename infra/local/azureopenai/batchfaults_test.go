package azureopenai

import (
	"net/http"
	"strings"
	"testing"
)

func TestBatchFaults(t *testing.T) {
	const n = 40
	tests := []struct {
		fault          string
		status         string
		output, failed int // lines that can be read
		rows           int // of the failed ones, those not executed
		lineStatus     int // of failed lines that were executed
		succeeded      int
		noErrorFile    bool
	}{
		{fault: "fail-lines", status: "completed", failed: n, lineStatus: 429},
		{fault: "fail-lines;status=500;percent=25", status: "completed", output: 26, failed: 14, lineStatus: 500, succeeded: 26},
		{fault: "drop-lines;percent=25", status: "completed", output: 35, succeeded: 35},
		{fault: "torn", status: "completed", output: n - 1, succeeded: n - 1},
		{fault: "expire", status: "expired", output: n / 2, failed: n / 2, rows: n / 2, succeeded: n / 2},
		{fault: "expire;after=3", status: "expired", output: 3, failed: n - 3, rows: n - 3, succeeded: 3},
		{fault: "empty-error-file", status: "completed", output: n, succeeded: n},
		{fault: "no-error-file", status: "completed", output: n, succeeded: n, noErrorFile: true},
		{fault: "late-output", status: "completed", output: n, succeeded: n},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			s, url := start(t, nil)
			b := create(t, url, put(t, url, manyLines(n)), "X-Emulator-Fault: "+tt.fault)
			o, output, failed := finish(t, s, url, b.ID, tt.status)
			rows := 0
			for _, l := range failed {
				if l.Response == nil {
					rows++
				} else if l.Response.StatusCode != tt.lineStatus {
					t.Errorf("%+v", l)
				}
			}
			if len(output) != tt.output || len(failed) != tt.failed || rows != tt.rows || tt.noErrorFile != (o.ErrorFileID == "") {
				t.Errorf("%d and %d lines, %d rows: %s", len(output), len(failed), rows, encode(o))
			}
			if e := s.Executions(); e.Succeeded != tt.succeeded || e.Lines != n-rows || e.Executed != n-rows || e.Again != 0 {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestErrorLinesAreLost(t *testing.T) {
	for _, fault := range []string{"empty-error-file", "no-error-file", "no-rows"} {
		t.Run(fault, func(t *testing.T) {
			s, url := start(t, nil)
			for _, f := range []string{"expire;after=1", fault} {
				if err := s.AddFault(FaultRule{Fault: f, Method: "POST", Path: "/batches", Deployment: batchModel}); err != nil {
					t.Fatal(err)
				}
			}
			_, output, failed := finish(t, s, url, create(t, url, put(t, url, manyLines(3))).ID, "expired")
			if len(output) != 1 || len(failed) != 0 {
				t.Errorf("%+v %+v", output, failed)
			}
			finish(t, s, url, create(t, url, put(t, url, manyLines(3))).ID, "completed") // the rules are used up
		})
	}
}

func TestFailedValidation(t *testing.T) {
	s, url := start(t, nil)
	b := create(t, url, put(t, url, manyLines(1)), "X-Emulator-Fault: fail;code=model_not_found")
	if o, _, _ := finish(t, s, url, b.ID, "failed"); o.Errors.Data[0].Code != "model_not_found" || o.Errors.Data[0].Message == "" {
		t.Errorf("%s", encode(o))
	}
}

func TestLateOutput(t *testing.T) {
	s, url := start(t, nil)
	b := create(t, url, put(t, url, manyLines(1)), "X-Emulator-Fault: late-output;times=2")
	if err := s.WaitBatch(t.Context(), b.ID, "completed"); err != nil {
		t.Fatal(err)
	}
	o, _ := s.batches.find(b.ID)
	for _, want := range []int{404, 404, 200} {
		if resp, _ := do(t, "GET", url+"/openai/v1/files/"+o.OutputFileID+"/content", ""); resp.StatusCode != want {
			t.Errorf("%d, want %d", resp.StatusCode, want)
		}
	}
}

func TestStall(t *testing.T) {
	s, url := start(t, nil)
	file := put(t, url, manyLines(2))
	b := create(t, url, file, "X-Emulator-Fault: stall")
	other := create(t, url, file)
	finish(t, s, url, other.ID, "completed")
	if o, _ := s.batches.find(b.ID); o.Status != "validating" {
		t.Errorf("stalls in %s", o.Status)
	}
	s.Reset()
	finish(t, s, url, b.ID, "completed")
	if b.OutputFileID != "" {
		t.Errorf("an output file from the start: %+v", b)
	}

	b = create(t, url, file, "X-Emulator-Fault: stall;state=finalizing")
	if err := s.WaitBatch(t.Context(), b.ID, "finalizing"); err != nil {
		t.Fatal(err)
	}
	if _, answer := do(t, "POST", url+"/openai/v1/batches/"+b.ID+"/cancel", ""); !strings.Contains(answer, `"status":"cancel`) {
		t.Error(answer)
	}
	if _, output, _ := finish(t, s, url, b.ID, "cancelled"); len(output) != 2 {
		t.Errorf("%+v", output)
	}
	if resp, _ := do(t, "POST", url+"/openai/v1/batches/"+other.ID+"/cancel", ""); resp.StatusCode != http.StatusConflict {
		t.Errorf("a completed batch is cancelled: %d", resp.StatusCode)
	}
}

func TestCloseStopsBatches(t *testing.T) {
	s, url := start(t, nil)
	create(t, url, put(t, url, manyLines(2)), "X-Emulator-Fault: stall;state=in_progress")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	body, contentType := form(t, "a.jsonl", "{}", "purpose=batch")
	if resp, answer := do(t, "POST", url+"/openai/v1/files", body, contentType); resp.StatusCode != 500 {
		t.Errorf("after Close: %d %s", resp.StatusCode, answer)
	}
}

func TestEnqueuedTokens(t *testing.T) {
	lines := manyLines(80) // some 700 tokens
	const message = "The number of enqueued tokens has surpassed the configured limit of 1K for the deployment 'gpt-4o-mini-batch'. Please either increase the limit or try again once the current jobs have finished."
	for region, failsFast := range map[string]bool{"East US 2": true, "Japan East": false} {
		t.Run(region, func(t *testing.T) {
			s, url := start(t, func(o *Options) {
				o.Region = region
				o.Deployments = []Deployment{{batchModel, "gpt-4o-mini", "2024-07-18", "GlobalBatch", 1}}
			})
			file := put(t, url, lines)
			first := create(t, url, file, "X-Emulator-Fault: stall;state=in_progress")
			if err := s.WaitBatch(t.Context(), first.ID, "in_progress"); err != nil {
				t.Fatal(err)
			}
			full := func(headers ...string) {
				t.Helper()
				resp, answer := do(t, "POST", url+"/openai/v1/batches", `{"input_file_id":"`+file+`","endpoint":"/chat/completions","completion_window":"24h"}`, headers...)
				if failsFast {
					if resp.StatusCode != 400 || answer != `{"error":{"code":"token_limit_exceeded","message":"`+message+`"}}` {
						t.Errorf("%d %s", resp.StatusCode, answer)
					}
					return
				}
				o, _, _ := finish(t, s, url, decode[batchObject](t, answer).ID, "failed")
				if got := string(encode(o.Errors)); got != `{"object":"list","data":[{"code":"token_limit_exceeded","message":"`+message+`","line":null,"param":null}]}` {
					t.Error(got)
				}
			}
			full()
			s.Reset() // lets the first one go
			finish(t, s, url, first.ID, "completed")
			finish(t, s, url, create(t, url, file).ID, "completed")
			full("X-Emulator-Fault: token-limit")
			finish(t, s, url, create(t, url, file).ID, "completed")
		})
	}
}

func TestLinesMeetFaultsOfRequests(t *testing.T) {
	s, url := start(t, nil)
	if err := s.AddFault(FaultRule{Fault: "503", Deployment: batchModel, Path: "/chat/completions", Count: 2}); err != nil {
		t.Fatal(err)
	}
	file := put(t, url, inputOf("a", "Say a [[fault: 429;times=1]]", "b", "Say b [[fault: cut]]", "c", "Say c", "d", "Say d", "e", "Say e"))
	_, output, failed := finish(t, s, url, create(t, url, file).ID, "completed")
	got := map[int]int{}
	for _, l := range failed {
		got[l.Response.StatusCode]++
	}
	if len(output) != 1 || got[503] != 2 || got[429] != 1 || got[500] != 1 {
		t.Errorf("%d done, failed %v", len(output), got)
	}
	finish(t, s, url, create(t, url, file).ID, "completed")
	body := func(id string) []byte {
		return []byte(`{"model":"` + batchModel + `","messages":[{"role":"user","content":"Say ` + id + `"}]}`)
	}
	again := 0
	for _, id := range []string{"c", "d", "e"} {
		executed, succeeded := s.ExecutionsOf(body(id))
		if executed != 2 || succeeded < 1 {
			t.Errorf("%s: executed %d times, succeeded %d times", id, executed, succeeded)
		}
		again += succeeded - 1
	}
	if e := s.Executions(); e.Lines != 5 || e.Executed != 10 || e.Again != again || len(e.Repeated) != again {
		t.Errorf("%+v", e)
	}
	if _, answer := do(t, "POST", url+"/_emulator/executions", string(body("c"))); !strings.HasPrefix(answer, `{"executed":2,`) {
		t.Error(answer)
	}
	do(t, "DELETE", url+"/_emulator/executions", "")
	if _, answer := do(t, "GET", url+"/_emulator/executions", ""); answer != `{"lines":0,"executed":0,"succeeded":0,"again":0,"paid":0,"paid_again":0,"repeated":[]}` {
		t.Error(answer)
	}
}

func TestLostAnswers(t *testing.T) {
	s, url := start(t, nil)
	body, contentType := form(t, "a.jsonl", manyLines(1), "purpose=batch")
	if _, err := open(t.Context(), "POST", url+"/openai/v1/files", body, contentType, "X-Emulator-Fault: lost"); err == nil {
		t.Fatal("the upload is answered")
	}
	files := s.files.list(fixedNow(), fixedNow(), "")
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	if err := s.AddFault(FaultRule{Fault: "lost", Method: "POST", Path: "/batches"}); err != nil {
		t.Fatal(err)
	}
	if resp, _ := do(t, "GET", url+"/openai/v1/batches", ""); resp.StatusCode != 200 {
		t.Errorf("the rule strikes another method: %d", resp.StatusCode)
	}
	if _, err := open(t.Context(), "POST", url+"/openai/v1/batches", `{"input_file_id":"`+files[0].ID+`","endpoint":"/chat/completions","completion_window":"24h"}`); err == nil {
		t.Fatal("the creation is answered")
	}
	if batches := s.batches.list(fixedNow()); len(batches) != 1 {
		t.Errorf("%d batches", len(batches))
	} else {
		finish(t, s, url, batches[0].ID, "completed")
	}
}

func TestCutTransfers(t *testing.T) {
	s, url := start(t, nil)
	body, contentType := form(t, "a.jsonl", strings.Repeat(manyLines(1), 1000), "purpose=batch")
	for _, fault := range []string{"cut-upload", "cut-upload;after=10", "close"} {
		if _, err := open(t.Context(), "POST", url+"/openai/v1/files", body, contentType, "X-Emulator-Fault: "+fault); err == nil {
			t.Errorf("%s: answered", fault)
		}
	}
	if files := s.files.list(fixedNow(), fixedNow(), ""); len(files) != 0 {
		t.Errorf("%d files", len(files))
	}
	id := put(t, url, "0123456789")
	for fault, want := range map[string]int{"cut": 5, "cut;after=3": 3, "partial;after=7": 7} {
		resp, err := open(t.Context(), "GET", url+"/openai/v1/files/"+id+"/content", "", "X-Emulator-Fault: "+fault)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 20)
		n := 0
		for err == nil {
			var m int
			m, err = resp.Body.Read(got[n:])
			n += m
		}
		resp.Body.Close()
		if n != want {
			t.Errorf("%s: %d bytes", fault, n)
		}
	}
}

func TestFaultsStrikeAShare(t *testing.T) {
	s, url := start(t, nil)
	if err := s.AddFault(FaultRule{Fault: "500", Path: "/batches", Percent: 20, Count: -1}); err != nil {
		t.Fatal(err)
	}
	struck := 0
	for range 100 {
		if resp, _ := do(t, "GET", url+"/openai/v1/batches", ""); resp.StatusCode == 500 {
			struck++
		}
	}
	if struck != 24 { // the same in every run
		t.Errorf("%d of 100", struck)
	}
}
