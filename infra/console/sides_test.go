package console

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// choose chooses an option of a list.
func (p *page) choose(selector, value string) {
	p.Helper()
	p.wait(fmt.Sprintf(`document.querySelector(%q)`, selector))
	eval[any](p, fmt.Sprintf(`(() => { const n = document.querySelector(%q); n.value = %q; n.dispatchEvent(new Event("change")); })()`, selector, value))
}

func TestTwoModels(t *testing.T) {
	p := open(t, 1400, 900)
	p.connect()
	p.press("Compare two models")
	p.choose("#model0", "gpt-4o")
	p.choose("#model1", "gpt-4o-mini")
	p.ask("Write a haiku about rivers, then explain it in [[words: 60]]")
	p.wait(`document.querySelectorAll(".answer").length === 2`)
	for lane, model := range []string{"gpt-4o", "gpt-4o-mini"} {
		if got := p.text(fmt.Sprintf(`.answer[data-lane="%d"] h3`, lane)); got != model {
			t.Errorf("lane %d is %q, want %q", lane, got, model)
		}
	}
	p.picture("compare")
	p.press("Code")
	p.says("dialog", "from openai import OpenAI")
	for _, kind := range []struct{ tab, want string }{{"Node", "new OpenAI({ baseURL"}, {"curl", "$OPENAI_API_KEY"}, {"Step Functions", "arn:aws:states:::lambda:invoke"}} {
		p.press(kind.tab)
		p.says("dialog pre", kind.want)
	}
	p.press("Python")
	p.picture("code")
	if text := p.text("dialog"); strings.Contains(text, "sk-local") || !strings.Contains(text, `model="gpt-4o-mini"`) {
		t.Errorf("the code is %s", text)
	}
	p.press("Close")
	p.press("Raw")
	p.says("dialog", "POST /v1/chat/completions")
	p.says("dialog", "data: [DONE]")
	if strings.Contains(p.text("dialog"), "sk-local") {
		t.Error("the key is in the drawer")
	}
}

func TestToolsAndSchema(t *testing.T) {
	for _, api := range []string{"chat", "responses"} {
		t.Run(api, func(t *testing.T) {
			p := open(t, 1280, 1000)
			p.connect()
			p.choose(".settings .field:nth-of-type(3) select", api)
			p.press("Tools (JSON)")
			p.fill(`textarea[aria-label="Tools (JSON)"]`, `[{"type":"function","function":{"name":"weather","description":"the weather in a city","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]`)
			p.ask("What is the weather in Osaka?")
			p.says(".call", "Calls weather")
			p.fill(".call textarea", "18 degrees and rain")
			p.picture("tools-" + api)
			p.press("Send results")
			p.wait(`![...document.querySelectorAll("button")].some((b) => b.innerText === "Send results" && b.checkVisibility())`)
			p.wait(`document.querySelectorAll(".step").length === 2 && !document.querySelector(".answer[aria-busy=true]")`)
			if body := p.lastBody(); !strings.Contains(body, "18 degrees and rain") {
				t.Errorf("the request with the result is %s", body)
			}
			p.press("New chat")
			p.fill(`textarea[aria-label="Tools (JSON)"]`, `[{"type":`)
			p.fill("#message", "hello")
			p.keys(kb.Enter)
			p.says(".composer .note", "Not valid JSON")
			p.fill(`textarea[aria-label="Tools (JSON)"]`, " ")
			p.press("Answer's schema (JSON)")
			p.fill(`textarea[aria-label="Answer's schema (JSON)"]`, `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`)
			p.ask("The city of Osaka, as data")
			p.says(".answer .md", `"city"`)
			if body := p.lastBody(); !strings.Contains(body, `"strict":true`) {
				t.Errorf("the request is %s", body)
			}
		})
	}
}

func TestReasoningAndEdit(t *testing.T) {
	p := open(t, 1280, 900)
	p.connect()
	p.choose("#model0", "gpt-5.4-mini")
	if eval[bool](p, `[...document.querySelectorAll(".settings label")].some((l) => l.innerText === "Temperature")`) {
		t.Error("a reasoning model is offered a temperature")
	}
	p.choose(`.settings select:has(option[value="high"])`, "high")
	p.ask("Say one")
	if body := p.lastBody(); !strings.Contains(body, `"reasoning_effort":"high"`) {
		t.Errorf("the request is %s", body)
	}
	p.press("Edit and send again")
	p.fill(".mine textarea", "Say two")
	eval[any](p, `document.querySelector(".mine .primary").click()`)
	p.says(".answer .md", "two")
	if n := eval[int](p, `document.querySelectorAll(".turn").length`); n != 1 {
		t.Errorf("%d turns, want the edited one", n)
	}
	p.press("Send again")
	p.wait(`document.querySelector(".answer-foot .facts")`)

	// While an answer streams, an edit stops it.
	p.press("New chat")
	p.fill("#message", "[[words: 500]] [[fault: interval=50ms]]")
	p.keys(kb.Enter)
	p.wait(`document.querySelector(".answer .md").innerText.length > 20`)
	p.press("Edit and send again")
	p.fill(".mine textarea", "Say three")
	eval[any](p, `document.querySelector(".mine .primary").click()`)
	p.says(".answer .md", "three")
}

func TestImages(t *testing.T) {
	p := open(t, 1280, 900)
	p.connect()
	picture := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 * 30 {
		picture.Set(i%40, i/40, color.RGBA{200, 30, 30, 255})
	}
	path := filepath.Join(t.TempDir(), "red.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, picture); err != nil {
		t.Fatal(err)
	}
	f.Close()
	p.upload(".composer", path, p.file("notes.txt", "no image"))
	p.says(".composer", "cannot read notes.txt")
	p.wait(`document.querySelector(".thumb img").naturalWidth === 40`)
	p.ask("What is in this picture?")
	p.says(".answer .md", "40")
	if body := p.lastBody(); !strings.Contains(body, "data:image/png;base64,") {
		t.Error("no image was sent")
	}
	p.picture("image")
}
