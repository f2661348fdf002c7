package console

import (
	"strings"
	"testing"
)

func TestTokensOfText(t *testing.T) {
	p := open(t, 1280, 800)
	p.connect()
	p.press("Tokens")
	p.says(".page-body", "Its tokens appear here as you type")
	p.fill("#text", "hello wörld 日本\nxy <b>😀</b>")
	p.says(".figures", "Tokens")
	if n := eval[int](p, `document.querySelectorAll(".token").length`); n < 8 {
		t.Errorf("%d tokens are drawn", n)
	}
	if text := eval[string](p, `[...document.querySelectorAll(".token")].map((n) => n.firstChild.data).join("")`); text != "hello wörld 日本\nxy <b>😀</b>" {
		t.Errorf("the tokens are the text %q", text)
	}
	eval[any](p, `document.querySelector("input[type=checkbox]").click()`)
	p.says(".tokens", "24912") // hello
	p.picture("tokens")
}

func TestTokensOfLargeFile(t *testing.T) {
	p := open(t, 1280, 800)
	p.connect()
	p.press("Tokens")
	p.upload(".page", p.file("large.txt", strings.Repeat("The quick brown fox.\n", 150_000))) // 3 MB
	p.says(".panel", "counted in 4 requests")
	p.press("Count it")
	p.says(".panel", "Counted in 4 pieces")
	p.says(".figures", "750,000") // five a line
	p.picture("tokens-file")
}

func TestTokensOfRequest(t *testing.T) {
	p := open(t, 1280, 1000)
	p.connect()
	p.press("Tokens")
	p.press("Request")
	p.says(".page", "input tokens for gpt-4o")
	p.says(".page table", "GlobalStandard")
	for i, value := range []string{"92", "300", "0.2"} {
		p.fill([]string{".thirds .field:nth-child(1) input", ".thirds .field:nth-child(2) input", ".thirds .field:nth-child(3) input"}[i], value)
	}
	p.says(".page", "PTUs")
	p.says("figcaption", "calls a minute")
	p.picture("tokens-request")
	eval[any](p, `document.querySelector(".chart").scrollIntoView({block: "center"})`)
	p.picture("tokens-ptu")
	p.fill("textarea", `{"model":`)
	p.says(".note", "Not valid JSON")
	p.fill("textarea", `{"model":"nothing","messages":[]}`)
	p.says(".problem", "nothing")
}
