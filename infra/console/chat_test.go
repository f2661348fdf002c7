package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"aoai-bridge/infra/local/azureopenai"
)

// answer is what the emulator answers next: a stream of chunks with these texts, whole lines of it at a time.
func (p *page) answer(texts ...string) {
	p.Helper()
	var body strings.Builder
	for _, text := range texts {
		chunk, _ := json.Marshal(map[string]any{
			"object": "chat.completion.chunk", "choices": []any{map[string]any{"index": 0, "delta": map[string]string{"content": text}, "finish_reason": nil}},
		})
		fmt.Fprintf(&body, "data: %s\n\n", chunk)
	}
	body.WriteString(`data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n")
	fmt.Fprintf(&body, `data: {"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":%d}}`+"\n\ndata: [DONE]\n\n", len(texts))
	p.stack.Emulator.QueueAnswer(azureopenai.Answer{
		Path: "chat/completions", Headers: map[string]string{"Content-Type": "text/event-stream"}, Body: body.String(),
	})
}

// lastBody is the request that reached Azure last.
func (p *page) lastBody() string {
	requests := p.stack.Emulator.Requests()
	return string(requests[len(requests)-1].Body)
}

func TestChat(t *testing.T) {
	p := open(t, 1280, 800)
	p.picture("key")
	p.connect()
	p.says(".empty", "Try a model")
	p.picture("chat-empty")
	p.press("Summarise")
	p.keys(kb.Enter)
	p.says(".answer-foot", "ms to the first token")
	p.says(".answer-foot", "$0.000")
	if body := p.lastBody(); !strings.Contains(body, "people who have one minute") || !strings.Contains(body, "station 4") {
		t.Errorf("the example sent %s", body)
	}
	p.picture("chat")
	p.dark()
	p.picture("chat-dark")
}

const markdown = "Here is **what** differs:\n\n1. *First*, `code`\n2. Second\n   - nested\n\n| model | price |\n|---|---:|\n| gpt-4o | 2.50 |\n\n" +
	"```python\nprint(\"hello\")\n```\n\n> A quotation.\n\nSee [the docs](https://example.com/a) and ![a cat](https://example.com/cat.png).\n\n- [x] done\n- [ ] open\n"

func TestMarkdown(t *testing.T) {
	p := open(t, 1280, 900)
	p.connect()
	var pieces []string // of three bytes, as tokens may fall
	for i := 0; i < len(markdown); i += 3 {
		pieces = append(pieces, markdown[i:min(i+3, len(markdown))])
	}
	p.answer(pieces...)
	p.ask("Show me Markdown")
	for _, want := range []string{
		".md strong", ".md ol li em", ".md ol ul li", ".md table th", ".md tbody td", ".md .code pre code", ".md blockquote",
		`.md a[href="https://example.com/a"][rel~=noopener][target=_blank]`, `.md a[href="https://example.com/cat.png"]`, ".md input[type=checkbox][disabled]:checked",
	} {
		if !eval[bool](p, fmt.Sprintf("document.querySelector(%q) !== null", want)) {
			t.Errorf("the answer has no %s", want)
		}
	}
	if n := eval[int](p, `document.querySelectorAll(".md img").length`); n != 0 {
		t.Errorf("%d images are loaded", n)
	}
	p.picture("markdown")
}

// What a model says never runs, and loads nothing; page.check sees to the latter two.
func TestHostileAnswers(t *testing.T) {
	p := open(t, 1280, 800)
	p.connect()
	hostile := strings.Join([]string{
		`<script>window.hacked = 1</script>`, `<img src=x onerror="window.hacked = 2">`, `<svg onload="window.hacked = 3"></svg>`, `<iframe src="javascript:window.hacked=4"></iframe>`,
		`[press](javascript:window.hacked=5)`, `![x](javascript:window.hacked=6)`, `![x](https://example.com/track.png)`, `![x" onerror="window.hacked=7](data:image/svg+xml;base64,PHN2Zz4=)`,
		"```html\"><script>window.hacked = 8</script>\n<img src=x onerror=alert(1)>\n```", `<form action="https://example.com"><input name=key></form>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`,
		`[x](vbscript:a)`, `[x](https://example.com" onmouseover="window.hacked=9)`, `<style>body{display:none}</style>`, `<base href="https://example.com/">`, `<meta http-equiv=refresh content="0;url=https://example.com">`,
		`<math><mtext><table><mglyph><style><img src=x onerror=window.hacked=10>`, `| <img src=x onerror=window.hacked=11> | b |` + "\n|---|---|\n| c | d |",
	}, "\n\n")
	p.answer(hostile)
	p.ask(hostile)
	p.says(".answer .md", "<script>window.hacked = 1</script>")
	if bad := eval[[]string](p, `[...document.querySelectorAll(".talk *")].filter((n) => /^(script|img|svg|iframe|form|style|base|meta|math|object|embed)$/i.test(n.tagName) && !n.closest("button")
		|| [...n.attributes].some((a) => /^on/i.test(a.name) || /^\s*(javascript|vbscript|data):/i.test(a.value))).map((n) => n.outerHTML)`); len(bad) > 0 {
		t.Errorf("the answer has made %q", bad)
	}
	p.stack.Emulator.QueueAnswer(azureopenai.Answer{
		Path: "chat/completions", Status: 400, Body: `{"error":{"message":"<img src=x onerror=\"window.hacked=12\">","code":"<b>bad</b>","type":"invalid_request_error"}}`,
	})
	p.ask("Fail")
	p.says(".problem", `<img src=x onerror="window.hacked=12">`)
	if hacked := eval[any](p, "window.hacked"); hacked != nil {
		t.Errorf("attempt %v ran", hacked)
	}
}

func TestStreamGrows(t *testing.T) {
	p := open(t, 1280, 800)
	p.connect()
	p.fill("#message", "[[words: 300]] [[fault: interval=10ms]]")
	p.keys(kb.Enter)
	p.wait(`document.querySelector(".answer .md").innerText.length > 40`)
	early := len(p.text(".answer .md"))
	p.wait(fmt.Sprintf(`document.querySelector(".answer .md").innerText.length > %d`, 2*early))
	p.wait(`document.querySelector(".answer[aria-busy=true]")`)
	p.picture("chat-streaming")
	p.press("Stop")
	p.says(".answer-foot", "Stopped")
	p.wait(`document.activeElement.id === "message"`)
	if words := len(strings.Fields(p.text(".answer .md"))); words >= 300 || words == 0 {
		t.Errorf("%d words came", words)
	}
	// It goes on from what came.
	p.ask("Say more")
	if body := p.lastBody(); !strings.Contains(body, `"role":"assistant"`) {
		t.Errorf("the next request is %s", body)
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name, message string
		want          []string // in the problem
	}{
		// The bridge closes the connection after an error within a stream, and the browser may drop the error then.
		{"a cut stream", "[[words: 50]] [[fault: cut;after=20]]", []string{"The answer ", "may have been charged"}},
		{"a stream without its end", "[[words: 50]] [[fault: no-done]]", []string{"The answer ", "may have been charged"}},
		{"an error within a stream", "[[words: 50]] [[fault: error-event;after=9]]", []string{"The answer ", "may have been charged"}},
		{"429", "[[fault: 429;retry-after=20]]", []string{"Too many requests", "in 20 seconds", "exceeded call rate limit"}},
		{"500", "[[fault: 500]]", []string{"Request "}},
		{"the content filter", "trigger-hate", []string{"The content filter refused the prompt", "hate: high, filtered"}},
		{"no JSON", "[[fault: garbage;status=502]]", []string{"Azure OpenAI could not answer"}},
	}
	p := open(t, 1280, 800)
	p.connect()
	for _, tt := range tests {
		p.press("New chat")
		p.ask(tt.message)
		problem := p.text(".problem")
		for _, want := range tt.want {
			if !strings.Contains(problem, want) {
				t.Errorf("%s: the page says %q, want %q in it", tt.name, problem, want)
			}
		}
	}
	p.press("New chat")
	p.ask("[[fault: 429;retry-after=20;times=1]] Say better")
	p.picture("chat-429")
	p.press("Try again")
	p.says(".answer .md", "better")
	p.press("New chat")
	p.ask("trigger-completion-hate Say a long story of many words")
	p.says(".answer-foot", "The content filter ended the answer")
	p.says(".answer-foot", "hate: high")
}

func TestWrongKey(t *testing.T) {
	p := open(t, 1280, 800)
	for _, key := range []string{"sk-wrong", "ключ", "<img src=x onerror=alert(1)>"} {
		p.fill("#key", key)
		p.keys(kb.Enter)
		p.says(".problem", "This key is not accepted")
		p.says(".problem", "ask the owner of this endpoint")
	}
	p.picture("key-wrong")
	p.connect()
}

// The key is in the tab's memory, unless it was asked to stay.
func TestKeyIsKeptOnlyIfAsked(t *testing.T) {
	p := open(t, 1280, 800)
	storage := `JSON.stringify([{...localStorage}, {...sessionStorage}]) + document.cookie`
	p.connect()
	p.fill("#message", "a draft")
	p.wait(`sessionStorage.getItem("chat")?.includes("a draft")`)
	if kept := eval[string](p, storage); strings.Contains(kept, "sk-local") {
		t.Errorf("the browser keeps %s", kept)
	}
	p.reload()
	p.wait(`document.querySelector("#key")`)
	eval[any](p, `document.querySelector("#keep").click()`)
	p.connect()
	if draft := eval[string](p, `document.querySelector("#message").value`); draft != "a draft" {
		t.Errorf("after a reload the draft is %q", draft)
	}
	p.ask("Say kept")
	p.reload()
	p.says(".answer .md", "kept")
	p.press("Disconnect")
	p.wait(`document.querySelector("#key")`)
	if kept := eval[string](p, storage); strings.Contains(kept, "sk-local") {
		t.Errorf("the browser keeps %s", kept)
	}
}
