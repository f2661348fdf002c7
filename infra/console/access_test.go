package console

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"aoai-bridge/infra/local/stack"
)

// axe returns what axe-core finds of the page as it is, serious or worse.
func (p *page) axe() []string {
	p.Helper()
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		p.Fatalf("%v: make test-console installs it", err)
	}
	p.do(chromedp.Evaluate[chromedp.Void](string(source)))
	return eval[[]string](p, `axe.run().then((r) => r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 200) + " " + n.failureSummary).join("; ")))`)
}

// Every view is looked through in both themes, as wide as a telephone and as a desk, and in Japanese.
func TestAccessibility(t *testing.T) {
	for _, look := range []struct {
		name     string
		width    int64
		dark     bool
		japanese bool
	}{{"wide", 1280, false, false}, {"dark", 1280, true, false}, {"narrow", 360, false, false}, {"narrow-dark-ja", 360, true, true}, {"ja", 1280, false, true}} {
		t.Run(look.name, func(t *testing.T) {
			p := open(t, look.width, 800)
			if look.dark {
				p.dark()
			}
			nav := map[string]string{"Chat": "Chat", "Tokens": "Tokens", "Batches": "Batches", "Search": "Search"}
			if look.japanese {
				eval[any](p, `(() => { const n = document.querySelector("select"); n.value = "ja"; n.dispatchEvent(new Event("change")); })()`)
				p.says(".key-card", "キーで接続")
				nav = map[string]string{"Chat": "チャット", "Tokens": "トークン", "Batches": "バッチ", "Search": "検索"}
			}
			check := func(view string) {
				t.Helper()
				for _, finding := range p.axe() {
					t.Errorf("%s: %s", view, finding)
				}
				if over := eval[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("%s is %d pixels wider than the window", view, over)
				}
				p.picture(fmt.Sprintf("%s-%s", view, look.name))
			}
			check("key")
			p.connect()
			p.answer(markdown)
			p.ask("Show me Markdown")
			check("chat")
			p.press(nav["Tokens"])
			p.fill("#text", "hello wörld")
			p.wait(`document.querySelector(".token")`)
			check("tokens")
			eval[any](p, `document.querySelectorAll(".tab")[1].click()`)
			p.fill(".thirds .field:nth-child(2) input", "300")
			p.fill(".thirds .field:nth-child(3) input", "0.2")
			p.wait(`document.querySelector(".chart")`)
			check("request")
			p.press(nav["Batches"])
			p.wait(`document.querySelector(".drop")`)
			check("batches")
			p.press(nav["Search"])
			p.wait(`document.querySelector(".ask")`)
			eval[any](p, `document.querySelector(".page .row .button:last-child").click()`)
			eval[any](p, `document.querySelector(".ask button").click()`)
			p.wait(`document.querySelector(".ranked")`)
			check("search")
		})
	}
}

// A person without a mouse connects, chats, and goes from view to view.
func TestKeyboardOnly(t *testing.T) {
	p := open(t, 1280, 800)
	tabTo := func(name string) {
		t.Helper()
		for range 40 {
			p.keys(kb.Tab)
			if got := eval[string](p, `(() => { const n = document.activeElement; return (n.ariaLabel ?? n.labels?.[0]?.innerText ?? n.innerText ?? "").trim(); })()`); got == name {
				if outline := eval[string](p, `getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement.closest(".composer") ?? document.body).boxShadow`); outline == "nonenone" {
					t.Errorf("%s has the focus, which is not to be seen", name)
				}
				return
			}
		}
		t.Fatalf("no press of Tab comes to %q", name)
	}
	tabTo("Key")
	p.keys(stack.CallerKey + kb.Enter)
	p.wait(`document.activeElement.id === "message"`)
	p.keys("Say hello" + kb.Enter)
	p.says(".answer .md", "hello")
	tabTo("Settings")
	p.keys(kb.Enter)
	p.wait(`document.querySelector("#settings").hidden`)
	tabTo("Tokens")
	p.keys(kb.Enter)
	p.wait(`document.querySelector("#text")`)
	tabTo("Type or paste a text, or drop a file.")
	p.keys("hello")
	p.says(".figures", "Tokens")
}

// The language changes what is on the page in its place: what was typed and said stays.
func TestLanguage(t *testing.T) {
	p := open(t, 1280, 800)
	p.connect()
	p.ask("Say hello")
	p.fill("#message", "a draft")
	eval[any](p, `(() => { const n = document.querySelector("select"); n.value = "ja"; n.dispatchEvent(new Event("change")); })()`)
	p.says("h1", "チャット")
	p.says(".answer .md", "hello")
	if draft := eval[string](p, `document.querySelector("#message").value`); draft != "a draft" {
		t.Errorf("the draft is %q", draft)
	}
	if lang := eval[string](p, `document.documentElement.lang`); lang != "ja" {
		t.Errorf("the page's language is %q", lang)
	}
	if text := p.text("main"); strings.Contains(text, "Settings") || strings.Contains(text, "Model") {
		t.Errorf("some of the page is in English still: %s", text)
	}
	p.reload()
	p.says(".key-card", "キーで接続")
}
