package console

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"aoai-bridge/infra/local/azureopenai"
)

func request(model, id, prompt string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":%q}],"max_tokens":40}}`+"\n", id, model, prompt)
}

// A file of 10,000 lines goes in, is surveyed, and comes back answered.
func TestBatch(t *testing.T) {
	p := open(t, 1280, 900)
	p.connect()
	p.press("Batches")
	p.says(".drop", "Drop a file of requests here")
	p.picture("batches-empty")
	var lines strings.Builder
	for i := range 10_000 {
		lines.WriteString(request("gpt-4o-mini", fmt.Sprint("line-", i+1), fmt.Sprintf("Say answer %d %s", i+1, strings.Repeat("word ", 80))))
	}
	lines.WriteString("not JSON\n" + request("nobody", "x", "hello"))
	p.upload(".drop", p.file("ten thousand.jsonl", lines.String()))
	p.says(".panel", "sent in 2 parts")
	p.press("Upload and survey")
	p.says(".panel .figures", "10,002")
	p.says(".panel details", "Refused lines (2)")
	p.press("Refused lines")
	p.says(".panel details", "model_not_found")
	p.picture("batches-survey")
	p.press("Start the batch")
	p.says(".batch:first-child h3", "ten thousand.jsonl") // above those of other tests
	p.says(".batch:first-child .tag", "Completed")
	p.says(".batch:first-child .facts", "10,000 answered, 2 failed, of 10,002")
	p.picture("batches")
	p.press("View answers")
	p.says("dialog .pair-row", "Say answer 1 ")
	p.says("dialog .pair-row", "answer 1 word")
	p.picture("batches-viewer")
	p.press("Next")
	p.says("dialog .pair-row", "Say answer 11 ")
	p.press("Close")

	folder := t.TempDir()
	tab := call(p, target.GetTargetInfo, target.GetTargetInfoParams{}).TargetInfo
	if _, err := chromedp.CallBrowser(p.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder, BrowserContextID: tab.BrowserContextID,
	}); err != nil {
		t.Fatal(err)
	}
	p.press("Failed lines")
	var content []byte
	for deadline := time.Now().Add(patience); len(content) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if names, _ := filepath.Glob(filepath.Join(folder, "*_error.jsonl")); len(names) == 1 {
			content, _ = os.ReadFile(names[0])
		}
	}
	if n := strings.Count(string(content), "\n"); n != 2 {
		t.Errorf("the file of failed lines has %d: %s", n, content)
	}
}

// Answers, refused lines and lines that are no requests stand beside what was asked, also where lines are blank.
func TestViewer(t *testing.T) {
	p := open(t, 1280, 900)
	p.connect()
	p.press("Batches")
	p.upload(".drop", p.file("three.jsonl", "\nnot JSON\n"+request("gpt-4o-mini", "same", "Say **one**")+" \n"+request("nobody", "same", "Say two")+request("gpt-4o-mini", "same", "Say three")))
	p.press("Upload and survey")
	p.press("Start the batch")
	p.says(".batch:first-child h3", "three.jsonl") // above those of other tests
	p.says(".batch:first-child .tag", "Completed")
	p.press("View answers")
	p.says("dialog .pair-row:nth-child(4)", "three")
	for i, want := range []string{"not a JSON object", "one", "no deployment of the model", "three"} {
		if row := p.text(fmt.Sprintf("dialog .pair-row:nth-child(%d) .pair-cells > :last-child", i+1)); !strings.Contains(row, want) {
			t.Errorf("line %d is answered %q, want %q in it", i+1, row, want)
		}
	}
}

func TestBatchCancel(t *testing.T) {
	p := open(t, 1280, 900)
	p.connect()
	if err := p.stack.Emulator.AddFault(azureopenai.FaultRule{Fault: "stall", Method: "POST", Path: "/batches"}); err != nil {
		t.Fatal(err)
	}
	p.press("Batches")
	p.press("Try an example")
	p.press("Upload and survey")
	p.press("Start the batch")
	p.press("Cancel batch")
	p.says(".batch:first-child .tag", "Cancelled")
}

// File names and lines are anybody's words.
func TestHostileFile(t *testing.T) {
	p := open(t, 1280, 900)
	p.connect()
	p.press("Batches")
	p.upload(".drop", p.file(`<img src=x onerror="window.hacked=1">.jsonl`, request("<script>window.hacked=2</script>", "<b>", "x")+"{<img src=x onerror=window.hacked=3>\n"))
	p.press("Upload and survey")
	p.says(".panel details", "<script>")
	if n := eval[int](p, `document.querySelectorAll("main img, main script").length`); n != 0 || eval[any](p, "window.hacked") != nil {
		t.Error("a file has made elements")
	}
	p.press("Cancel")
	p.upload(".drop", p.file("no.jsonl", "id,question\n1,hello\n"))
	p.says(".panel .note", "not a JSON object")
}
