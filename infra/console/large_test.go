package console

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watchTasks has the page remember its longest task, in ms.
func (p *page) watchTasks() {
	p.Helper()
	eval[any](p, `(() => { window.longest = 0; new PerformanceObserver((l) => { for (const e of l.getEntries()) window.longest = Math.max(window.longest, e.duration); }).observe({type: "longtask"}); })()`)
}

// usable fails the test if a task kept the page from answering for longer than so many ms.
func (p *page) usable(most float64) {
	p.Helper()
	longest := eval[float64](p, "window.longest")
	p.Logf("the longest task took %.0f ms", longest)
	if longest > most {
		p.Errorf("a task took %.0f ms, want %.0f at most", longest, most)
	}
}

// large writes a file of a line, over and over.
func (p *page) large(name, line string, size int) string {
	p.Helper()
	path := filepath.Join(p.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		p.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	for n := 0; n < size; n += len(line) {
		if _, err := w.WriteString(line); err != nil {
			p.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		p.Fatal(err)
	}
	return path
}

// longer waits for what takes longer than a click.
func (p *page) longer(expression string) {
	p.Helper()
	start := time.Now()
	for !eval[bool](p, "Boolean("+expression+")") {
		if time.Since(start) > 3*time.Minute {
			p.Fatalf("never true: %s\nthe page says:\n%s", expression, p.text("main"))
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.Logf("after %.1f s: %s", time.Since(start).Seconds(), expression)
}

func TestLargeFiles(t *testing.T) {
	p := open(t, 1280, 800)
	p.connect()
	p.watchTasks()
	p.press("Tokens")
	p.upload(".page", p.large("large.txt", "The quick brown fox jumps over the lazy dog.\n", 50_000_000))
	p.says(".panel", "50 MB: it is counted in 51 requests")
	p.press("Count it")
	p.wait(`document.querySelector("progress").value > 0`)
	p.longer(`document.querySelector(".panel").innerText.includes("Counted in 51 pieces")`)
	p.usable(500)

	p.press("Batches")
	p.upload(".drop", p.large("large.jsonl", request("gpt-4o-mini", "x", "Say "+strings.Repeat("word ", 350)), 200_000_000))
	p.says(".panel", "200 MB, sent in 48 parts")
	p.press("Upload and survey")
	p.wait(`document.querySelector("progress").value > 0`)
	p.longer(`document.querySelector(".panel .figures")`)
	p.usable(500)
	p.press("Cancel")
}
