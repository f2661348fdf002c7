package console

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/testsync"
)

const root = "../.."

// pictures is where the tests leave pictures of the page; git ignores it.
const pictures = root + "/dist/pictures"

// shared are the stack and the browser of all tests. Each test has a browser context of its own, which shares no
// storage with others.
var shared struct {
	start   sync.Once
	stack   *stack.Stack
	logs    testsync.LogBuffer
	browser context.Context
	end     []func()
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range shared.end {
		end()
	}
	if code == 0 {
		code = keyLeft()
	}
	bootstraps.Exit(code)
}

// keyLeft returns 1 if the key stands in a line of a function's log.
func keyLeft() int {
	if strings.Contains(shared.logs.String(), stack.CallerKey) {
		fmt.Fprintln(os.Stderr, "the key is in the functions' log")
		return 1
	}
	return 0
}

// A page is a tab of the browser. What it may never do fails its test: break the content security policy, ask another
// origin, throw.
type page struct {
	*testing.T
	ctx   context.Context
	stack *stack.Stack

	mu     sync.Mutex
	faults []string
	urls   []string // of its requests
}

// open opens the console in a window of a size, without a key.
func open(t *testing.T, width, height int64) *page {
	t.Helper()
	chromium := os.Getenv("CONSOLE_BROWSER")
	if chromium == "" {
		t.Skip("needs chromium: make test-console runs it")
	}
	shared.start.Do(func() {
		shared.stack, shared.err = stack.Start(stack.Options{
			Template: filepath.Join(root, "template.yaml"), Build: bootstraps.For(t, root), Logs: &shared.logs, WaitScale: 0.02,
		})
		if shared.err != nil {
			return
		}
		shared.end = append(shared.end, func() { shared.stack.Close() })
		// Without a sandbox, which root has none of; the page is ours.
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.Flag("lang", "en-US"))
		allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
		browser, close := chromedp.NewContext(allocator)
		shared.end = append(shared.end, close, end)
		shared.browser, shared.err = browser, chromedp.Do(browser)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	p := &page{T: t, stack: shared.stack}
	ctx, cancel := chromedp.NewContext(shared.browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	t.Cleanup(cancel)
	p.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // with a context that lasts as long as the tab
		t.Fatal(err)
	}
	t.Cleanup(p.check)
	call(p, network.Enable, network.EnableParams{})
	call(p, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{
		Source: `addEventListener("securitypolicyviolation", (e) => console.error("CSP " + e.violatedDirective + " " + e.blockedURI))`,
	})
	p.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(p.stack.URL+"/console"))
	return p
}

func (p *page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.urls = append(p.urls, e.Request.URL)
		if !strings.HasPrefix(e.Request.URL, p.stack.URL+"/") && !strings.HasPrefix(e.Request.URL, "data:") && !strings.HasPrefix(e.Request.URL, "blob:"+p.stack.URL) {
			p.faults = append(p.faults, "a request to "+e.Request.URL)
		}
		if strings.Contains(e.Request.URL, stack.CallerKey) {
			p.faults = append(p.faults, "the key is in a URL: "+e.Request.URL)
		}
	case *runtime.EventConsoleAPICalled:
		for _, arg := range e.Args {
			if text := string(arg.Value); strings.HasPrefix(text, `"CSP `) {
				p.faults = append(p.faults, "a violation of the content security policy: "+text)
			}
		}
	case *runtime.EventExceptionThrown:
		p.faults = append(p.faults, "an exception: "+describe(e.ExceptionDetails))
	case *cdpage.EventJavascriptDialogOpening:
		p.faults = append(p.faults, "a dialog: "+e.Message)
	}
}

func (p *page) check() {
	if p.Failed() {
		p.picture("failed-" + strings.ReplaceAll(p.Name(), "/", "-"))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fault := range p.faults {
		p.Error(fault)
	}
}

// patience is how long a test waits for what it expects.
const patience = 30 * time.Second

func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// call runs a command of the browser's protocol.
func call[P, R any](p *page, command cdp.Command[P, R], params P) R {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.Fatal(err)
	}
	return result
}

// eval evaluates an expression, or a promise of one, in the page.
func eval[V any](p *page, expression string) V {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => JSON.stringify((await (`+expression+`)) ?? null))()`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	var v V
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		p.Fatalf("%s is %s: %v", expression, text, err)
	}
	return v
}

func describe(e *runtime.ExceptionDetails) string {
	if e.Exception != nil {
		return e.Text + " " + e.Exception.Description
	}
	return e.Text
}

// wait waits until an expression is true. Polling by chromedp needs eval, which the page's policy forbids.
func (p *page) wait(expression string) {
	p.Helper()
	for deadline := time.Now().Add(patience); !eval[bool](p, "Boolean("+expression+")"); {
		if time.Now().After(deadline) {
			p.Fatalf("never true: %s\nthe page says:\n%s", expression, p.text("body"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// text is what an element says, to the eye.
func (p *page) text(selector string) string {
	p.Helper()
	return eval[string](p, fmt.Sprintf(`[...document.querySelectorAll(%q)].map((n) => n.innerText).join("\n")`, selector))
}

// says waits until an element says something.
func (p *page) says(selector, text string) {
	p.Helper()
	p.wait(fmt.Sprintf(`[...document.querySelectorAll(%q)].some((n) => n.innerText.includes(%q))`, selector, text))
}

// named finds what can be pressed by its name, as a screen reader has it.
func named(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("dialog[open] :is(button, a, summary), body :is(button, a, summary, [role=button])")].find((n) => n.checkVisibility() && !n.disabled && (n.ariaLabel ?? n.innerText).trim().startsWith(%q))`, name)
}

// press waits for a button, link or summary with a name, and clicks it with the mouse.
func (p *page) press(name string) {
	p.Helper()
	p.wait(named(name))
	at := eval[[2]float64](p, fmt.Sprintf(`(() => { const n = %s; n.scrollIntoView({block: "nearest"}); const r = n.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, named(name)))
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

// fill puts a text into an input, as a paste would.
func (p *page) fill(selector, text string) {
	p.Helper()
	p.wait(fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, selector))
	eval[any](p, fmt.Sprintf(`(() => { const n = document.querySelector(%q); n.focus(); n.select?.(); })()`, selector))
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

// keys presses keys.
func (p *page) keys(keys string) {
	p.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// upload hands files to the input in an element, as its dialog would.
func (p *page) upload(within string, files ...string) {
	p.Helper()
	p.wait(fmt.Sprintf("document.querySelector(%q)", within+" input[type=file]"))
	p.do(chromedp.SetUploadFiles(chromedp.CSS(within+" input[type=file]"), files))
}

// file writes a file of the test's.
func (p *page) file(name, content string) string {
	p.Helper()
	path := filepath.Join(p.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.Fatal(err)
	}
	return path
}

// connect gives the page the local key.
func (p *page) connect() {
	p.Helper()
	p.fill("#key", stack.CallerKey)
	p.keys(kb.Enter)
	p.wait(`!document.querySelector(".key-card")`)
}

// ask sends a message and waits for the end of its answer.
func (p *page) ask(message string) {
	p.Helper()
	p.fill("#message", message)
	p.keys(kb.Enter)
	p.wait(`document.querySelector(".answer") && !document.querySelector(".answer[aria-busy=true]")`)
}

// reload loads the page again.
func (p *page) reload() {
	p.Helper()
	p.do(chromedp.Reload())
}

// picture takes a picture of the window.
func (p *page) picture(name string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.Logf("no picture: %v", err)
		return
	}
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictures, name+".png"), png, 0o644); err != nil {
		p.Fatal(err)
	}
}

// dark has the system prefer a dark theme.
func (p *page) dark() {
	p.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
}
