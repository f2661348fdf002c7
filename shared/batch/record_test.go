package batch_test

import (
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/telemetry"
)

// Lines that are answered online at the same time add up in the records of the part's tasks.
func TestRecordOfOnlineCalls(t *testing.T) {
	w := newWorld(t)
	const lines = 40
	w.Put("inbox/a.jsonl", manyLines(lines, "gpt-4.1"))
	for range 3 {
		w.fault(azureopenai.FaultRule{Fault: "429;retry-after=1", Count: 1})
	}
	s := w.run(w.event("inbox/a.jsonl"))
	if s.Lines.Succeeded != lines || s.Lines.Online != lines {
		t.Fatalf("%+v", s)
	}
	var sum telemetry.Call
	for _, record := range w.records {
		if record.Operation == "batch.submit" && record.Tries > 0 {
			sum.Join(&record)
		}
	}
	if asked := w.azure.Counts().Total; int64(sum.Tries) != asked || asked != lines+3 {
		t.Errorf("%d tries, %d requests at Azure, want %d", sum.Tries, asked, lines+3)
	}
	if sum.Resource != "one" || sum.Deployment != "gpt-4.1" || !sum.Known || sum.AzureID == "" || sum.UpstreamTime == 0 || sum.FirstByte == 0 {
		t.Errorf("the tasks' record is %+v", sum)
	}
	if u := sum.Usage; !u.Known || u.Input != s.Usage.Input || u.Output != s.Usage.Output || u.Output < lines {
		t.Errorf("usage %+v, the summary has %+v", u, s.Usage)
	}
}
